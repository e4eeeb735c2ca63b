# test_fleet_faults.py: what a fleet answers while something is broken: never too little
# SPDX-License-Identifier: BSD-3-Clause
import json
import time
from datetime import datetime, timedelta

from fleet import enforced, spoof, wait_until
from own_clock import OwnClock
from relentless import Clients
from world import addresses, processes
from world.catalogue import PolicyHost, policy

AWAY = 60  # seconds
LEASE_ENDS = 120  # seconds: a lease of one minute, and when the others next ask for theirs


def test_a_node_that_is_killed_gives_its_leases_back(fleet, world):
    """In the middle of a refresh; the others take over when the lease has ended, by itself."""
    domain = "sts-one.example"
    first, second, third = fleet.nodes
    assert first.ask(domain) == enforced(domain)
    fleet.wait_until_shared()
    fleet.stop()
    fleet.make_due(domain)
    leased_by = f"SELECT lease_node FROM postseal_sts WHERE domain = '{domain}'"
    slow = PolicyHost(world.policy_server.hosts[domain].body, manner="slow")
    with world.policy_server.instead(domain, slow):
        first.start()
        wait_until(lambda: fleet.sql(leased_by) == first.name, "no lease")
        first.kill()
    fetched = world.policy_server.requests[domain]
    second.start()
    third.start()
    for node in (second, third):
        assert node.ask(domain) == enforced(domain)
    assert fleet.sql(leased_by) == first.name
    wait_until(lambda: world.policy_server.requests[domain] > fetched, "nobody takes it over",
               LEASE_ENDS)
    wait_until(lambda: fleet.sql(leased_by) in {second.name, third.name}, "whose lease?")
    for node in (second, third):
        assert node.ask(domain) == enforced(domain)
    assert world.policy_server.requests[domain] == fetched + 1
    first.start()
    assert first.ask(domain) == enforced(domain)


def test_the_server_goes_away_for_a_minute_while_clients_ask(fleet, fleet_server):
    first, second, third = fleet.nodes
    with Clients(*(node.connect for node in fleet.nodes)) as clients:
        fleet_server.stop()
        begun = time.monotonic()
        try:
            wait_until(lambda: not any(node.reaches_server() for node in fleet.nodes),
                       "nobody notices")
            status = first.status()
            assert status["store"]["degraded"] and "shared store: " in status["store"]["reason"]
            assert "since 20" in status["store"]["reason"]
            assert second.ask("sts-two.example").startswith("OK secure ")
            assert second.status()["shared_store"]["unshared"] > 0
            second.restart()  # with the server away
            assert second.ask("sts-two.example").startswith("OK secure ")
            while time.monotonic() < begun + AWAY:
                clients.wait_for_answers()
                time.sleep(1)
        finally:
            fleet_server.start()
        # The longest pause between two attempts is a minute.
        wait_until(fleet.is_whole, "nobody comes back", 2 * AWAY)
        fleet.wait_until_shared()
        clients.wait_for_answers()
    # Those of the node that was restarted found no socket for a moment.
    assert [fault for fault in clients.failures()
            if "refused" not in fault and "No such file" not in fault] == []
    assert "sts-two.example" in fleet.sql("SELECT domain FROM postseal_sts")
    assert not first.status()["store"]["degraded"]
    assert "works again" in first.log.read_text()


def test_one_node_is_cut_off_and_comes_back(fleet, world):
    first, second, third = fleet.nodes
    fleet.cut_off(first)
    wait_until(lambda: not first.reaches_server(), "it does not notice")
    assert second.reaches_server() and third.reaches_server()
    assert first.ask("sts-one.example") == enforced("sts-one.example")
    assert second.ask("sts-two.example").startswith("OK secure ")
    fetched = dict(world.policy_server.requests)
    fleet.mend(first)
    wait_until(first.reaches_server, "it does not come back")
    fleet.wait_until_shared()
    for node in fleet.nodes:
        assert node.ask("sts-one.example") == enforced("sts-one.example")
        assert node.ask("sts-two.example").startswith("OK secure ")
    for domain in ("sts-one.example", "sts-two.example"):
        assert world.policy_server.requests[domain] == fetched[domain]


def test_a_new_node_is_safe_from_its_first_answer(fleet, world):
    assert fleet.nodes[0].ask("sts-one.example") == enforced("sts-one.example")
    fleet.wait_until_shared()
    fresh = fleet.add_new()
    world.stop_dns()
    world.policy_server.stop()
    try:
        fresh.start()
        # Whether the domain has DANE only a node's own lookup says (row 5); never NOTFOUND.
        assert fresh.ask("sts-one.example").startswith("TEMP ")
        evidence = fresh.explain("sts-one.example")
        assert evidence["verdict"]["row"] == 5
    finally:
        world.start_dns()
        world.policy_server.start()
    wait_until(lambda: fresh.ask("sts-one.example") == enforced("sts-one.example"), "no policy")


def test_a_new_node_whose_dns_is_spoofed_is_safe_from_its_first_answer(fleet, world, new_node):
    victim = "sts-plain.example"
    assert fleet.nodes[0].ask(victim) == enforced(victim)
    assert fleet.nodes[0].ask("sts-dane.example") == "OK dane-only"
    fleet.wait_until_shared()
    alone, fresh = new_node(), fleet.add_new()
    for node in (alone, fresh):
        for address in addresses.NAME_SERVERS:
            node.machine.capture(address)
    spoofers = [spoof(node, victim) for node in (alone, fresh)]
    try:
        alone.start()
        fresh.start()
        # The attack works: who has no memory takes the lie for the truth.
        assert alone.ask(victim) == "NOTFOUND "
        assert fresh.ask(victim) == enforced(victim)
        assert alone.ask("sts-dane.example") == fresh.ask("sts-dane.example") == "OK dane-only"
        for node in fleet.nodes:
            assert node.ask(victim) == enforced(victim)
    finally:
        for process in spoofers:
            processes.stop(process)


def test_nodes_whose_clocks_differ_by_minutes(fleet, world):
    """The newest fetch counts, whatever the clock of who made it says."""
    ahead, behind, right = fleet.nodes
    fleet.stop()
    for node, minutes in ((ahead, 7), (behind, -5)):
        clock = OwnClock(node.folder / "clock")
        clock.set(timedelta(minutes=minutes))
        node.enter_command = [*node.machine.enter_command, *clock.enter_command]
    fleet.start()
    domain = "sts-one.example"
    assert ahead.ask(domain) == enforced(domain)
    fleet.wait_until_shared()
    testing = PolicyHost(policy("testing", f"mx.{domain}").encode())
    with world.policy_server.instead(domain, testing):
        assert behind.tool("refresh", domain).returncode == 0
        for node in fleet.nodes:
            wait_until(lambda: node.ask(domain) == "NOTFOUND ", "the later fetch does not count")
    assert ahead.tool("refresh", domain).returncode == 0
    for node in fleet.nodes:
        wait_until(lambda: node.ask(domain) == enforced(domain), "the latest does not count")
    fleet.wait_until_shared()
    for node in fleet.nodes:
        assert node.ask(domain) == enforced(domain)
        assert f"by node {ahead.name}\n" in node.tool("show", domain).stdout or node is ahead
    # The same moment, by their own clocks.
    at = {node: fetched_at(node, domain) for node in fleet.nodes}
    assert timedelta(minutes=6) < at[ahead] - at[right] < timedelta(minutes=8)
    assert timedelta(minutes=4) < at[right] - at[behind] < timedelta(minutes=6)


def fetched_at(node, domain: str) -> datetime:
    shown = json.loads(node.tool("show", "--json", domain).stdout)
    return datetime.fromisoformat(shown["policy"]["fetched_at"].replace("Z", "+00:00"))
