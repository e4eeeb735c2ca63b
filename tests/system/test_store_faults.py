# test_store_faults.py: what breaks below the store, and the daemon that goes on answering
# (section 8 of the design)
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import os
import pathlib
import shutil
import sqlite3
import tempfile
import time

import pytest

from daemon import program
from faults.disk import Disk
from resources import patience
from world import Unavailable
from world.processes import run

PATIENCE = 30  # seconds; a write that failed is tried again after 1, 2, 4 s
STS = "sts-one.example"
ENFORCED = f"OK secure match=mx.{STS} servername=hostname"


@pytest.fixture
def daemon(new_daemon):
    """One of the test's own."""
    return new_daemon()


def database(daemon) -> pathlib.Path:
    return daemon.folder / "state" / "postseal.db"


def check_sound(path: pathlib.Path) -> None:
    """Of a copy: SQLite resolves links itself, so it does not find what only the daemon sees."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(path, folder)
        with contextlib.closing(sqlite3.connect(copy)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute("SELECT count(*) FROM nexthop").fetchone() > (0,)


def fetches(world) -> int:
    return world.policy_server.requests[STS]


def wait_until_status(daemon, degraded: bool, reason: str = "") -> dict:
    """A fault may be told with one reason first and with another when more is known."""
    end = time.monotonic() + patience(PATIENCE)
    while (status := daemon.status())["store"]["degraded"] != degraded \
            or reason not in status["store"]["reason"]:
        assert time.monotonic() < end, (status, daemon.log_text())
        time.sleep(0.1)
    return status


# --- A damaged file --------------------------------------------------------------------------

def overwritten(path: pathlib.Path) -> None:
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))


def truncated(path: pathlib.Path) -> None:
    os.truncate(path, 4096)


def no_database(path: pathlib.Path) -> None:
    path.write_bytes(b"this is not a database\n" * 1000)


def set_aside(daemon) -> list[str]:
    return [p.name for p in database(daemon).parent.glob("postseal.db.corrupt-*Z")]


def check_begun_anew(daemon) -> None:
    wait_until_status(daemon, degraded=True, reason="moved aside as")
    assert len(set_aside(daemon)) == 1
    assert " error store reason=" in daemon.log_text()
    daemon.stop()
    check_sound(database(daemon))


@pytest.mark.parametrize("damage", [overwritten, truncated, no_database])
def test_damaged_before_start(world, daemon, damage):
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    assert daemon.ask("dane.example") == "OK dane-only"
    daemon.stop()
    damage(database(daemon))
    damaged = database(daemon).read_bytes()

    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    assert daemon.ask("dane.example") == "OK dane-only"
    wait_until_status(daemon, degraded=True, reason="moved aside as")
    (name,) = set_aside(daemon)
    assert database(daemon).with_name(name).read_bytes() == damaged
    check_begun_anew(daemon)

    # What is learnt now is kept.
    asked = fetches(world)
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    assert fetches(world) == asked
    assert not daemon.status()["store"]["degraded"]


def test_a_policy_of_a_later_version_is_neither_absent_nor_overwritten(world, daemon):
    """As after a downgrade: its text means something to that version, and nothing to this one."""
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    daemon.settle()
    daemon.stop()
    with contextlib.closing(sqlite3.connect(database(daemon))) as db:
        later = db.execute("SELECT replace(CAST(body AS TEXT), 'STSv1', 'STSv2') FROM sts"
                           " WHERE domain = ?", (STS,)).fetchone()[0].encode()
        db.execute("UPDATE sts SET body = ? WHERE domain = ?", (later, STS))
        db.commit()
    world.policy_server.stop()
    try:
        daemon.start()
        assert daemon.ask(STS).startswith(
            f"TEMP MTA-STS {STS}: the policy that may be stored is not known: this version cannot"
            " read it: ")
        daemon.settle()
        daemon.stop()
    finally:
        world.policy_server.start()
    with contextlib.closing(sqlite3.connect(database(daemon))) as db:
        assert db.execute("SELECT body FROM sts WHERE domain = ?", (STS,)).fetchone() == (later,)
    daemon.start()
    assert daemon.tool("refresh", STS).returncode == 0  # the failed fetch is backed off from
    assert daemon.ask(STS) == ENFORCED


def notices(daemon) -> bool:
    """Whether it sees the damage while it runs: not if SQLite had read all pages before."""
    end = time.monotonic() + patience(5)
    while "moved aside as" not in daemon.status()["store"]["reason"]:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("damage", [overwritten, truncated, no_database])
def test_damaged_in_use(daemon, damage):
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    daemon.restart()  # the rows are in the file now, and mostly SQLite has not read them yet
    damage(database(daemon))
    assert daemon.ask(STS) == ENFORCED
    assert daemon.ask("dane.example") == "OK dane-only"
    assert daemon.ask("sts-two.example").startswith("OK secure ")
    if notices(daemon):
        check_begun_anew(daemon)
        return
    # On a busy machine its watchdog may have read them: as below.
    daemon.restart()
    assert daemon.ask(STS) == ENFORCED
    daemon.stop()
    check_sound(database(daemon))


@pytest.mark.parametrize("damage", [overwritten, truncated, no_database])
def test_damaged_behind_sqlites_memory(daemon, damage):
    """SQLite has read all pages, notices nothing, and at the end writes to the damaged file."""
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    daemon.restart()
    assert daemon.ask(STS) == ENFORCED
    damage(database(daemon))
    for _ in range(2):
        assert daemon.ask(STS) == ENFORCED
        assert daemon.ask("dane.example") == "OK dane-only"
        notices(daemon)  # a read that meets damage has the whole file read
        daemon.restart()
    daemon.stop()
    check_sound(database(daemon))


# --- A disk that is full, or may only be read ------------------------------------------------

@pytest.fixture
def disk(daemon):
    try:
        disk_ = Disk(daemon)
    except Unavailable as why:
        pytest.skip(f"SYSTEM TESTS NOT RUN: {why}")
    with disk_:
        yield disk_


def check_answers_from_memory(daemon) -> None:
    """Also what was never asked for before."""
    for _ in range(2):
        assert daemon.ask(STS) == ENFORCED
        assert daemon.ask("dane.example") == "OK dane-only"
        assert daemon.ask("sts-two.example").startswith("OK secure ")
        assert daemon.ask("plain.example") == "NOTFOUND "


def check_kept(world, daemon, disk) -> None:
    """All that was learnt in the bad time is in the file."""
    asked = fetches(world)
    daemon.restart()
    assert daemon.ask(STS) == ENFORCED
    assert fetches(world) == asked
    assert not daemon.status()["store"]["degraded"]
    daemon.stop()
    check_sound(disk.path("postseal.db"))


def test_full_disk(world, daemon, disk):
    daemon.start()
    assert daemon.ask("dane.example") == "OK dane-only"
    disk.fill()
    check_answers_from_memory(daemon)
    status = wait_until_status(daemon, degraded=True)
    assert "disk is full" in status["store"]["reason"]
    assert "error store reason=" in daemon.log_text()
    check_answers_from_memory(daemon)
    disk.make_room()
    wait_until_status(daemon, degraded=False)
    check_kept(world, daemon, disk)


def test_full_disk_at_start(world, daemon, disk):
    disk.fill()
    daemon.start()
    check_answers_from_memory(daemon)
    wait_until_status(daemon, degraded=True)
    disk.make_room()
    wait_until_status(daemon, degraded=False)
    check_kept(world, daemon, disk)


def test_killed_while_the_disk_is_full(world, daemon, disk):
    """What was written before is not lost."""
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    time.sleep(1)
    asked = fetches(world)
    disk.fill()
    assert daemon.ask("sts-two.example").startswith("OK secure ")
    wait_until_status(daemon, degraded=True)
    daemon.kill()
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    assert fetches(world) == asked
    disk.make_room()
    wait_until_status(daemon, degraded=False)


def test_read_only(world, daemon, disk):
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    asked = fetches(world)
    daemon.stop()
    disk.remount("ro")
    daemon.start()
    check_answers_from_memory(daemon)
    assert fetches(world) == asked, "what the file holds is read"
    status = wait_until_status(daemon, degraded=True)
    assert "read-only" in status["store"]["reason"]
    disk.remount("rw")
    wait_until_status(daemon, degraded=False)
    check_kept(world, daemon, disk)


# --- Schemas ---------------------------------------------------------------------------------

FIRST_SCHEMA = """
    CREATE TABLE sts (domain TEXT PRIMARY KEY NOT NULL, body BLOB NOT NULL, id TEXT NOT NULL,
        fetched_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, failures INTEGER NOT NULL,
        failed_id TEXT NOT NULL, fault TEXT NOT NULL, reason TEXT NOT NULL,
        failed_at INTEGER NOT NULL, retry_at INTEGER NOT NULL) STRICT;
    CREATE TABLE dane (nexthop TEXT PRIMARY KEY NOT NULL, dane INTEGER NOT NULL,
        seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO sts SELECT domain, body, id, fetched_at, expires_at, failures, failed_id, fault,
        reason, failed_at, retry_at FROM today.sts;
    PRAGMA application_id = 0x70534541;
    PRAGMA user_version = 1;
"""


def test_older_schema(world, daemon):
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    daemon.stop()
    today = database(daemon).rename(daemon.folder / "today.db")
    with contextlib.closing(sqlite3.connect(database(daemon))) as db:
        db.execute("ATTACH ? AS today", (str(today),))
        db.executescript(FIRST_SCHEMA)
    asked = fetches(world)
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    assert fetches(world) == asked, "the policy is the one that the older file held"
    assert not daemon.status()["store"]["degraded"]
    daemon.stop()
    with contextlib.closing(sqlite3.connect(database(daemon))) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] >= 2
    check_sound(database(daemon))


def test_newer_schema(daemon):
    daemon.start()
    daemon.stop()
    with contextlib.closing(sqlite3.connect(database(daemon))) as db:
        db.execute("PRAGMA user_version = 999")
    before = database(daemon).read_bytes()
    result = run([program("postseald"), "--config", str(daemon.configuration)], timeout=20)
    assert result.returncode == 78
    message = result.stderr.strip().splitlines()[-1]
    assert f"{database(daemon)} has schema version 999, this postseal knows " in message
    assert "run the newer postseal, or move the file away to start afresh" in message
    assert database(daemon).read_bytes() == before
