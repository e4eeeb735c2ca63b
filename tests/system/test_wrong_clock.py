# test_wrong_clock.py: a wall clock that is wrong at a start, or is set, costs nothing
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import json
import sqlite3
import time
from datetime import datetime, timedelta

import pytest

import http_client
from daemon import preloaded
from own_clock import SYNCHRONISED, OwnClock
from test_memory import without
from world.catalogue import EE, ZONES

DOMAIN = "insecure-mx-sts.example"
SECURE = "OK secure match=mx.dane.example servername=hostname"
DAY = 24 * 3600 * 1000
HTTP_PORT = 8370
WRONG_FOR = 8  # seconds: no RTC, before NTP


def policy_row(daemon) -> dict:
    with contextlib.closing(sqlite3.connect(daemon.folder / "state" / "postseal.db")) as db:
        db.row_factory = sqlite3.Row
        return dict(db.execute("SELECT * FROM sts WHERE domain = ?", (DOMAIN,)).fetchone())


def counts(daemon) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(daemon.folder / "state" / "postseal.db")) as db:
        return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("sts", "nexthop", "history")}


def life_left(daemon) -> timedelta:
    shown = json.loads(daemon.tool("show", "--json", DOMAIN).stdout)
    end = datetime.fromisoformat(shown["policy"]["expires_at"].replace("Z", "+00:00"))
    return end - datetime.now(end.tzinfo)


@pytest.mark.parametrize("days", [400, 800, -400])
def test_a_start_with_a_wrong_clock_costs_nothing(new_daemon, tmp_path, days):
    port = HTTP_PORT
    daemon = new_daemon(listen=[{"address": f"inet:127.0.0.1:{port}", "protocol": "http"}])
    daemon.start()
    assert daemon.ask(DOMAIN) == SECURE
    daemon.stop()
    with contextlib.closing(sqlite3.connect(daemon.folder / "state" / "postseal.db")) as db:
        db.execute("INSERT INTO history VALUES (?, ?, 0, 'may', 'secure', 11, 'a')",
                   (DOMAIN, round(time.time() * 1000)))
        db.commit()
    before, row = counts(daemon), policy_row(daemon)
    assert min(before.values()) > 0

    clock = OwnClock(tmp_path / "clock")
    clock.set(timedelta(days))
    daemon.enter_command = preloaded(clock.library, clock.variable, SYNCHRONISED)
    daemon.start()
    end = time.monotonic() + WRONG_FOR
    while time.monotonic() < end:
        # Signatures are of another year by that clock, so it may be TEMP; but no promise is gone.
        assert not daemon.ask(DOMAIN).startswith("NOTFOUND")
        time.sleep(0.5)
    assert "NOT CONFIRMED" in daemon.tool("stats").stdout
    page = http_client.ask(port, "/healthz").body
    assert "\nclock: not confirmed yet" in page
    assert daemon.tool("health").stdout == page
    assert "postseal_clock_confirmed 0\n" in http_client.ask(port, "/metrics").body
    clock.set(timedelta())
    daemon.tool("stats")  # looks at the clock
    daemon.wait_for_log("warning clock-jump")
    time.sleep(1.1)  # the kernel is asked once a second
    assert "confirmed by the kernel" in daemon.tool("stats").stdout
    daemon.wait_for_log("info clock-confirmed by=kernel")
    assert "clock: " not in http_client.ask(port, "/healthz").body
    assert "postseal_clock_confirmed 1\n" in http_client.ask(port, "/metrics").body
    left = life_left(daemon)
    assert timedelta(days=6.9) < left <= timedelta(days=7), left
    daemon.stop()

    after, now = policy_row(daemon), time.time() * 1000
    kept = counts(daemon)
    assert all(kept[table] >= count for table, count in before.items()), kept
    assert after["body"] == row["body"]
    assert 0 < after["refresh_at"] <= now + DAY  # its daily refresh is not lost

    daemon.enter_command = []
    daemon.start()
    assert daemon.ask(DOMAIN) == SECURE
    daemon.stop()


def test_a_clock_that_is_set_leaves_no_old_dns_answers(world, new_daemon, tmp_path):
    """By libunbound's memory they would live as much longer as the clock has gone back."""
    name = "dane.example"
    clock = OwnClock(tmp_path / "clock")
    daemon = new_daemon()
    daemon.enter_command = clock.enter_command
    daemon.start()
    assert daemon.ask(name) == "OK dane-only"
    try:
        world.change_zone(without(name, EE))
        daemon.tool("refresh", name)
        assert daemon.ask(name) == "OK dane-only", "it was to be in libunbound's memory"
        clock.set(timedelta(minutes=-2))
        daemon.tool("stats")
        daemon.wait_for_log("warning clock-jump")
        daemon.tool("refresh", name)
        assert daemon.ask(name).startswith("NOTFOUND")
    finally:
        world.change_zone(ZONES[name])
