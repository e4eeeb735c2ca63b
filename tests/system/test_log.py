# test_log.py: the daemon's log: in the journal with fields, below systemd, and when nobody reads it
#
# The journal is a datagram socket of ours, bound over /run/systemd/journal/socket in a mount
# namespace of the daemon's own, or that of a systemd-journald there.
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import re
import select
import socket
import time

import pytest

import journald

JOURNAL = 'mount -t tmpfs none /run && mkdir -p /run/systemd/journal && ' \
          'mount --bind "$0" /run/systemd/journal && exec "$@"'
PATIENCE = 20  # seconds


@pytest.fixture
def journal(tmp_path):
    folder = tmp_path / "journal"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal_:
        journal_.bind(str(folder / "socket"))
        journal_.settimeout(PATIENCE)
        yield journal_


def entry_with(journal: socket.socket, **wanted: str) -> dict[str, str]:
    """The first entry that has these fields."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        lines = journal.recv(65536).decode("ascii").splitlines()
        entry = dict(line.split("=", 1) for line in lines)
        if wanted.items() <= entry.items():
            return entry
    raise AssertionError(f"no entry with {wanted}")


def test_journal(new_daemon, journal):
    daemon = new_daemon(log={"format": "journal", "level": "debug"})
    folder = os.path.dirname(journal.getsockname())
    daemon.enter_command = ["unshare", "--mount", "sh", "-c", JOURNAL, folder]
    daemon.start()
    started = entry_with(journal, POSTSEAL_EVENT="started")
    assert started["PRIORITY"] == "6"
    assert started["SYSLOG_IDENTIFIER"] == "postseald"
    assert daemon.ask("sts-one.example").startswith("OK secure ")
    fetched = entry_with(journal, POSTSEAL_EVENT="policy-fetched")
    assert fetched["POSTSEAL_DOMAIN"] == "sts-one.example"
    assert fetched["MESSAGE"].startswith("debug policy-fetched domain=sts-one.example ")
    assert daemon.ask("[mx.sts-one.example]:587")
    assert daemon.tool("forget", "[mx.sts-one.example]:587").returncode == 0
    entry_with(journal, POSTSEAL_EVENT="forgotten", POSTSEAL_DOMAIN="mx.sts-one.example",
               POSTSEAL_NEXTHOP="[mx.sts-one.example]:587")
    assert daemon.log_text() == "", "nothing is told twice"


def test_journalctl(new_daemon, tmp_path):
    """As an operator asks, of systemd's own journal."""
    if reason := journald.missing():
        pytest.skip(f"NO JOURNAL KEPT: {reason}")
    with journald.Journald(tmp_path) as journal:
        daemon = new_daemon(log={"format": "journal", "level": "debug"})
        daemon.enter_command = journal.enter
        daemon.start()
        assert daemon.ask("sts-one.example").startswith("OK secure ")
        assert daemon.ask("bogus.example").startswith("TEMP ")
        waits, = journal.find("POSTSEAL_DOMAIN=bogus.example", "POSTSEAL_EVENT=tempfail")
        assert (waits["PRIORITY"], waits["POSTSEAL_ROW"]) == ("4", "3")
        assert waits["POSTSEAL_REASON"]
        found = journal.find("POSTSEAL_DOMAIN=sts-one.example")
        assert "policy-fetched" in [entry["POSTSEAL_EVENT"] for entry in found]
        assert {entry["POSTSEAL_DOMAIN"] for entry in found} == {"sts-one.example"}
        assert re.search(r" postseald\[\d+\]: warning tempfail nexthop=bogus\.example row=3 ",
                         journal.journalctl("POSTSEAL_DOMAIN=bogus.example"))
        daemon.stop()


def test_json(new_daemon):
    daemon = new_daemon(log={"format": "json", "level": "debug"})
    daemon.start()
    assert daemon.ask("bogus.example").startswith("TEMP ")
    daemon.settle()
    daemon.stop()
    lines = [json.loads(line) for line in daemon.log.read_text(encoding="utf-8").splitlines()]
    assert all(list(line)[:3] == ["time", "level", "event"] for line in lines)
    waits, = [line for line in lines if line["event"] == "tempfail"]
    assert (waits["level"], waits["nexthop"], waits["row"]) == ("warning", "bogus.example", "3")
    assert waits["reason"]


def test_no_journal(new_daemon, tmp_path):
    daemon = new_daemon(log={"format": "journal", "level": "info"})
    daemon.enter_command = ["unshare", "--mount", "sh", "-c", JOURNAL, str(tmp_path)]
    daemon.start()
    daemon.wait_for_log("started")
    assert "warning no-journal reason=\"/run/systemd/journal/socket: " in daemon.log_text()


def test_below_systemd(new_daemon):
    """The journal, which reads standard error, has time and priority of its own."""
    daemon = new_daemon(log={"level": "debug"})
    daemon.log.touch()
    file = daemon.log.stat()
    daemon.enter_command = ["env", f"JOURNAL_STREAM={file.st_dev}:{file.st_ino}"]
    daemon.start()
    assert daemon.ask("bogus.example").startswith("TEMP ")
    daemon.wait_for_log("<4>warning tempfail nexthop=bogus.example row=3 ")
    daemon.wait_for_log("<6>info started version=")


def test_a_quiet_day(new_daemon):
    """What is said of each lookup is for debugging; that mail is deferred is told once."""
    daemon = new_daemon(log={"level": "info"})
    daemon.start()
    for key in ("sts-one.example", "dane.example", "plain.example", "bogus.example"):
        for _ in range(3):
            daemon.ask(key)
    daemon.tool("refresh", "bogus.example", "sts-one.example")
    daemon.stop()
    events = [line.split()[2] for line in daemon.log_text().splitlines()]
    of_the_machine = {"runs-as-root", "sandbox", "no-sandbox"}
    assert [event for event in events if event not in of_the_machine] == [
        *["listening"] * 3, "started", "tempfail", "stopped"]


def test_nobody_reads(new_daemon):
    """A pipe that is full holds no reply up, and not the end."""
    daemon = new_daemon(log={"level": "debug"})
    os.mkfifo(daemon.log)
    reader = os.open(daemon.log, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(daemon.log, os.O_WRONLY | os.O_NONBLOCK)
    try:
        daemon.start()
        for number in range(2000):  # each closes a connection, which is a line
            with daemon.connect():
                pass
        assert not select.select([], [writer], [], 0)[1], "the pipe is full"
        assert daemon.ask("plain.example") == "NOTFOUND "
        begin = time.monotonic()
        daemon.process.terminate()
        assert daemon.process.wait(PATIENCE) == 0
        assert time.monotonic() - begin < PATIENCE / 2
    finally:
        os.close(writer)
        os.close(reader)
        daemon.log.unlink()

