# test_memory.py: a policy once seen is enforced until its max_age ends, whatever breaks
# (RFC 8461 section 3.3)
# SPDX-License-Identifier: BSD-3-Clause
import dataclasses
import json
import time

import pytest

from daemon import program
from postmap import postmap
from world import addresses, processes
from world.catalogue import STS_HOST, STS_TXT, ZONES

DOMAIN = "memory.example"
LIVE_DOMAIN = "memory-live.example"
TXT_RECHECK = 61  # seconds: the TXT record's TTL is 1, the least time is 60


def enforced(domain: str) -> str:
    return f"OK secure match=mx.{domain} servername=hostname"


def without(domain: str, *records: str, add: tuple[str, ...] = ()):
    """The domain's zone with less in it."""
    zone = ZONES[domain]
    kept = tuple(record for record in zone.records if record not in records)
    return dataclasses.replace(zone, records=kept + add)


def take_record_away(world, domain: str) -> None:
    world.change_zone(without(domain, STS_TXT))


def take_host_down(world, domain: str) -> None:
    nowhere = f"mta-sts A {addresses.REFUSING_HOST}"
    world.change_zone(without(domain, STS_TXT, STS_HOST, add=(nowhere,)))


@pytest.fixture(scope="module")
def live(world, daemon):
    """Asked once, then the record is gone; when that was."""
    assert daemon.ask(LIVE_DOMAIN) == enforced(LIVE_DOMAIN)
    take_record_away(world, LIVE_DOMAIN)
    return time.monotonic()


def test_across_restarts(live, world, new_daemon, tmp_path):
    first = new_daemon()
    first.start()
    assert first.ask(DOMAIN) == enforced(DOMAIN)
    fetched = world.policy_server.requests[DOMAIN]
    assert fetched >= 1

    first.restart()
    assert first.ask(DOMAIN) == enforced(DOMAIN)
    assert world.policy_server.requests[DOMAIN] == fetched, "same id: no second fetch"

    take_record_away(world, DOMAIN)
    first.restart()
    assert first.ask(DOMAIN) == enforced(DOMAIN)
    assert first.explain(DOMAIN)["verdict"]["class"] == "enforce"

    take_host_down(world, DOMAIN)
    first.restart()
    assert first.ask(DOMAIN) == enforced(DOMAIN)
    first.stop()

    # No network at all: another namespace, whose loopback is down. Only unix sockets reach it.
    settings = first.with_settings()
    settings["listen"] = [entry for entry in settings["listen"] if "unix:" in entry["address"]]
    first.write_configuration(settings)
    command = ["unshare", "-n", program("postseald"), "--config", str(first.configuration)]
    cut_off = processes.start(command, first.log)
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                with first.connect_unix() as connection:
                    assert connection.ask("postfix", DOMAIN) == enforced(DOMAIN)
                    break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail(f"no answer:\n{first.log_text()}")
        table = f"unix:{first.unix_socket}:postfix"
        assert postmap(tmp_path / "postmap", DOMAIN, table) == enforced(DOMAIN).removeprefix("OK ")
        # 4: the MX lookup fails, securely no DANE is remembered. 11: the evidence still holds.
        assert first.explain(DOMAIN)["verdict"]["row"] in (4, 11)
        # A stranger, without network: no policy known, DANE unknown.
        with first.connect_unix() as connection:
            assert connection.ask("postfix", "stranger.example") == "OK dane"
        with first.connect_unix() as connection:
            assert connection.ask("postfix", "/no/domain") == "NOTFOUND "
    finally:
        processes.stop(cut_off)


def test_kill_loses_no_policy(world, new_daemon):
    """Group commit takes 100 ms; a second later the policy is on the disk."""
    daemon = new_daemon()
    daemon.start()
    assert daemon.ask("sts-two.example").startswith("OK secure ")
    fetched = world.policy_server.requests["sts-two.example"]
    time.sleep(1)
    daemon.process.kill()
    daemon.process.wait()
    daemon.start()
    assert daemon.ask("sts-two.example").startswith("OK secure ")
    assert world.policy_server.requests["sts-two.example"] == fetched


@pytest.mark.last
def test_without_a_restart(live, daemon):
    """The running daemon learns that the record has gone and goes on enforcing."""
    time.sleep(max(0.0, live + TXT_RECHECK - time.monotonic()))
    end = time.monotonic() + 30
    while True:
        assert daemon.ask(LIVE_DOMAIN) == enforced(LIVE_DOMAIN)
        explained = daemon.explain(LIVE_DOMAIN)
        assert explained["verdict"]["class"] == "enforce"
        if explained["mta_sts"]["record"] == "absent":
            return
        assert time.monotonic() < end, json.dumps(explained)
        time.sleep(1)


def test_fresh_store_knows_nothing_of_it(live, world, new_daemon):
    """The control: it was memory, not the network, that enforced."""
    take_host_down(world, DOMAIN)
    stranger = new_daemon()
    stranger.start()
    assert stranger.ask(DOMAIN) == "NOTFOUND "
