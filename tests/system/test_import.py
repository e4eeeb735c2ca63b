# test_import.py: the memory of policies, taken from one daemon to another and from
# postfix-mta-sts-resolver
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import pty
import socket
import sqlite3
import subprocess
import time

import peer
import pytest

from daemon import program
from socketmap import Connection
from world import processes
from world.addresses import DEAD_SERVER
from world.validating_resolver import ValidatingResolver

KEYS = ["dane.example", "sts-one.example", "sts-testing.example", "plain.example"]
OK, USAGE, BAD_DATA, UNAVAILABLE = 0, 64, 65, 69
# Of a domain that has neither record nor policy host: as if both had gone since.
GONE = "plain.example"
WEEK = 604800
PEER_PORT = 8480


def body(mode: str = "enforce", mx: str = f"mx.{GONE}", max_age: int = WEEK) -> str:
    return f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {max_age}\n"


def timestamp(ago: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))


def line(key: str, text: str, ago: float = 3600) -> str:
    return json.dumps({"key": key, "policy": {"body": text, "id": "1",
                                              "fetched_at": timestamp(ago)}}) + "\n"


def seconds(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone


@pytest.fixture(name="daemon")
def empty_daemon(new_daemon):
    daemon = new_daemon()
    daemon.start()
    return daemon


def test_what_cannot_be_read_is_no_import(daemon, tmp_path):
    for file in (tmp_path, tmp_path / "nowhere.jsonl"):
        refused = daemon.tool("import", str(file))
        assert (refused.returncode, refused.stdout) == (USAGE, ""), refused
        assert refused.stderr.startswith(f"postseal: cannot read {file}: ")


# --- From daemon to daemon -------------------------------------------------------------------

def test_export_and_import(new_daemon, tmp_path):
    first = new_daemon()
    first.start()
    answers = {key: first.ask(key) for key in KEYS}
    begun = time.monotonic()
    exported = first.tool("export", "--json")
    assert exported.returncode == OK, exported.stderr
    kept = [json.loads(text) for text in exported.stdout.splitlines()]
    assert [entry["key"] for entry in kept] == sorted(KEYS)
    file = tmp_path / "postseal.jsonl"
    file.write_text(exported.stdout, encoding="utf-8")

    second = new_daemon()
    second.start()
    dry = second.tool("import", "--dry-run", str(file))
    assert dry.stdout == "dry run: 4 taken, 0 already held, 0 expired, 0 rejected\n"
    assert second.tool("list").returncode == 1
    imported = second.tool("import", str(file))
    assert (imported.returncode, imported.stderr) == (OK, "")
    assert imported.stdout == "4 taken, 0 already held, 0 expired, 0 rejected\n"
    on_the_way = time.monotonic() - begun
    again = [json.loads(text) for text in second.tool("export", "--json").stdout.splitlines()]
    for before, after in zip(kept, again):
        if before["policy"]:
            policies = before["policy"], after["policy"]
            for policy in policies:
                del policy["refresh_at"]  # it is fetched again soon
            # By how old it was when it was exported, until the clock is confirmed.
            for name in ("fetched_at", "expires_at"):
                then, now = (seconds(policy.pop(name)) for policy in policies)
                assert abs(now - then) <= on_the_way + 1, name
    assert again == kept
    repeated = json.loads(second.tool("import", "--json", str(file)).stdout)
    assert repeated == {"taken": 0, "held": 4, "expired": 0, "rejected": 0, "dry_run": False}
    assert {key: second.ask(key) for key in KEYS} == answers
    assert [second.tool("history", key).returncode for key in KEYS] == [1] * 4, "no change"


def test_imported_memory_holds_without_network(new_daemon, tmp_path):
    """Neither DNS nor policy hosts: what was known of DANE and of policies decides."""
    first = new_daemon()
    first.start()
    answer = first.ask("sts-one.example")
    (tmp_path / "kept").write_text(first.tool("export", "--json").stdout, encoding="utf-8")
    second = new_daemon()
    settings = second.with_settings()
    settings["listen"] = [entry for entry in settings["listen"] if "unix:" in entry["address"]]
    second.write_configuration(settings)
    process = processes.start(["unshare", "-n", *second.command()], second.log)
    try:
        end = time.monotonic() + 20
        while second.tool("stats").returncode == UNAVAILABLE and time.monotonic() < end:
            time.sleep(0.1)
        assert second.tool("import", str(tmp_path / "kept")).returncode == OK, second.log_text()
        with second.connect_unix() as connection:
            assert connection.ask("postfix", "sts-one.example") == answer
    finally:
        processes.stop(process)


def test_texthash_is_what_postmap_reads(new_daemon, tmp_path):
    daemon = new_daemon()
    daemon.start()
    keys = [*KEYS, "[mx.dane.example]:587"]
    answers = {key: daemon.ask(key) for key in keys}
    table = tmp_path / "tls_policy"
    table.write_text(daemon.tool("export").stdout, encoding="ascii")
    for key, answer in answers.items():
        result = processes.run(["postmap", "-q", key, f"texthash:{table}"])
        expected = answer.removeprefix("OK ") + "\n" if answer.startswith("OK ") else ""
        assert (result.stdout, result.stderr) == (expected, ""), key
    only = daemon.tool("export", "--class", "dane", "--format", "texthash").stdout
    assert [text.split()[0] for text in only.splitlines() if not text.startswith("#")] == [
        "[mx.dane.example]:587", "dane.example"
    ]


# --- From postfix-mta-sts-resolver -----------------------------------------------------------

def resolver_cache(path, rows) -> str:
    """By that program's schema; rows: domain, age in seconds, id, pol_body."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("create table if not exists proactive_fetch_ts "
                   "(id integer primary key, last_fetch_ts integer)")
        db.execute("create table if not exists sts_policy_cache "
                   "(domain text, ts integer, pol_id text, pol_body text)")
        db.execute("create unique index if not exists sts_policy_domain "
                   "on sts_policy_cache (domain)")
        db.execute("create index if not exists sts_policy_domain_ts "
                   "on sts_policy_cache (domain, ts)")
        db.executemany("insert into sts_policy_cache values (?, ?, ?, ?)",
                       [(domain, int(time.time()) - age, policy_id, text)
                        for domain, age, policy_id, text in rows])
    db.close()
    return str(path)


def pol_body(mx: str, mode: str = "enforce", max_age: int = WEEK) -> str:
    return json.dumps({"mx": [mx], "version": "STSv1", "mode": mode, "max_age": max_age})


def test_migration(daemon, tmp_path):
    assert daemon.ask(GONE) == "NOTFOUND ", "the control: nothing but memory promises anything"
    cache = resolver_cache(tmp_path / "cache.db", [
        (GONE, 2 * 86400, "20260101", pol_body(f"mx.{GONE}")),
        ("sts-404.example", WEEK, "20250101", pol_body("mx.sts-404.example")),
    ])
    imported = daemon.tool("import", cache)
    assert (imported.returncode, imported.stderr) == (OK, "")
    assert imported.stdout == "1 taken, 0 already held, 1 expired, 0 rejected\n"
    # Neither record nor policy host is there, and memory held an answer.
    assert daemon.ask(GONE) == f"OK secure match=mx.{GONE} servername=hostname"
    assert daemon.ask("sts-404.example") == "NOTFOUND ", "not revived"
    policy = json.loads(daemon.tool("show", "--json", GONE).stdout)["policy"]
    assert (policy["id"], policy["mode"], policy["in_force"]) == ("20260101", "enforce", True)
    left = seconds(policy["expires_at"])
    assert abs(left - time.time() - 5 * 86400) < 120, "max_age counts from its fetch there"
    daemon.restart()
    assert daemon.ask(GONE) == f"OK secure match=mx.{GONE} servername=hostname"


def test_migration_from_the_real_one(new_daemon, world, peer_folder, tmp_path):
    """What it has fetched and kept in SQLite itself is in force here, with nothing asked."""
    domains = ["sts-one.example", "sts-wildcard.example", "sts-testing.example"]
    with (ValidatingResolver(tmp_path / "resolver", world.trust_anchor, world.root_hints) as dns,
          peer.Peer(peer_folder, tmp_path / "peer", "sqlite", PEER_PORT, world.ca_file, dns),
          Connection(socket.create_connection(("127.0.0.1", PEER_PORT), timeout=20)) as asked):
        answers = {domain: asked.ask("postfix", domain) for domain in domains}
    assert [answer.partition(" ")[0] for answer in answers.values()] == ["OK", "OK", "NOTFOUND"]
    daemon = new_daemon(dns={"forward": [DEAD_SERVER]})
    daemon.start()
    imported = daemon.tool("import", str(tmp_path / "peer" / "cache.db"))
    assert (imported.returncode, imported.stderr) == (OK, "")
    assert imported.stdout == "3 taken, 0 already held, 0 expired, 0 rejected\n"
    held = [json.loads(text) for text in daemon.tool("export", "--json").stdout.splitlines()]
    assert {entry["key"]: entry["policy"]["mode"] for entry in held} == dict(
        zip(domains, ["enforce", "enforce", "testing"]))


def test_migration_names_what_it_rejects(daemon, tmp_path):
    cache = resolver_cache(tmp_path / "cache.db", [
        ("a..b", 60, "1", pol_body("mx.example")),
        ("broken.example", 60, "1", "{"),
        ("nonsense.example", 60, "1", pol_body("mx.example", mode="strict")),
        ("early.example", -86400, "1", pol_body("mx.example")),
        (GONE, 60, "1", pol_body(f"mx.{GONE}")),
    ])
    imported = daemon.tool("import", cache)
    assert imported.returncode == BAD_DATA
    assert imported.stdout == "1 taken, 0 already held, 0 expired, 4 rejected\n"
    expected = {"row 1, a..b: \"a..b\" is not a destination", "row 2, broken.example: pol_body",
                "row 3, nonsense.example: its policy is not valid: line 2: mode is \"strict\"",
                "row 4, early.example: fetched_at lies in the future"}
    lines = imported.stderr.splitlines()
    assert len(lines) == 4
    for text in expected:
        assert any(said.startswith(f"postseal: {cache}: {text}") for said in lines), lines


def test_another_database_is_none(daemon, tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("create table t (x)")
    result = daemon.tool("import", str(tmp_path / "other.db"))
    assert result.returncode == BAD_DATA
    assert "is not a cache of postfix-mta-sts-resolver" in result.stderr


# --- Lines -----------------------------------------------------------------------------------

def test_broken_lines(daemon, tmp_path):
    file = tmp_path / "kept"
    file.write_text(line(GONE, body()) + "nonsense\n\n[1]\n" + line("b.example", body("weak"))
                    + '{"key":"c.example","policy":{"mode":"enforce"}}\n{"domain":"d.example"}\n'
                    + line("e.example", body(max_age=60)), encoding="utf-8")
    result = daemon.tool("import", str(file))
    assert result.returncode == BAD_DATA
    assert result.stdout == "1 taken, 0 already held, 1 expired, 5 rejected\n"
    places = {said.removeprefix(f"postseal: {file}:").partition(":")[0]: said
              for said in result.stderr.splitlines()}
    assert sorted(places) == ["2", "4", "5", "6", "7"]
    assert "not a JSON object" in places["2"]
    assert "line 2: mode is \"weak\"" in places["5"]
    assert "has no body" in places["6"] and "no key" in places["7"]
    assert daemon.tool("import", str(tmp_path / "missing")).returncode == USAGE


def test_what_is_held_is_not_weakened(daemon, tmp_path):
    answer = daemon.ask("sts-one.example")
    file = tmp_path / "kept"
    file.write_text(line("sts-one.example", body("none"), ago=0)
                    + line("[sts-one.example]", body("testing"), ago=60), encoding="utf-8")
    result = daemon.tool("import", str(file))
    assert result.stdout == "0 taken, 2 already held, 0 expired, 0 rejected\n", result.stderr
    assert daemon.ask("sts-one.example") == answer


def test_without_a_daemon(new_daemon, tmp_path):
    (tmp_path / "kept").write_text(line(GONE, body()), encoding="utf-8")
    result = new_daemon().tool("import", str(tmp_path / "kept"))
    assert result.returncode == UNAVAILABLE
    assert result.stderr.endswith("import needs the running daemon: start postseald first\n")
    assert new_daemon().tool("export").returncode == UNAVAILABLE


def started_on_a_terminal(daemon, *arguments: str) -> tuple[subprocess.Popen, int]:
    """The tool, its standard output a pipe, and our end of the terminal that it complains to."""
    ours, theirs = pty.openpty()
    tool = subprocess.Popen([program("postseal"), "--config", str(daemon.configuration), *arguments],
                            stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    return tool, ours


def all_shown(terminal: int) -> bytes:
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    assert shown.endswith(b"\r\x1b[K"), "and takes it away"
    return shown.replace(b"\x1b[K", b"")


def test_long_work_shows_progress(daemon, tmp_path):
    file = tmp_path / "kept"
    file.write_text("".join(line(f"d{i}.example", body()) for i in range(5000)), encoding="utf-8")
    tool, terminal = started_on_a_terminal(daemon, "import", str(file))
    with tool:
        shown = all_shown(terminal)
        assert tool.stdout.read() == b"5000 taken, 0 already held, 0 expired, 0 rejected\n"
    assert tool.returncode == OK
    assert b"\rimport: " in shown and b" %" in shown
    assert json.loads(daemon.tool("list", "--json", "--expiring", "8d").stdout.splitlines()[-1])

    tool, terminal = started_on_a_terminal(daemon, "export", "--json")
    with tool:
        time.sleep(1)  # the pipe is full meanwhile: it takes longer than what shows nothing
        exported = tool.stdout.read()
        assert b"\rexport: " in all_shown(terminal)
    assert tool.returncode == OK
    assert exported.count(b"\n") == 5000


def test_refreshing_many_shows_progress(new_daemon):
    daemon = new_daemon(limits={"deadline": "1s"})
    daemon.start()
    tool, terminal = started_on_a_terminal(daemon, "refresh", "silent.example", "plain.example")
    with tool:
        shown = all_shown(terminal)
        refreshed = tool.stdout.read()
    assert tool.returncode == OK
    assert b"\rrefresh: 1, 50 %" in shown
    assert b"plain.example: may" in refreshed
