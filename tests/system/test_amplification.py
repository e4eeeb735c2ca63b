# test_amplification.py: who publishes records of a domain cannot make us send packets to others
# SPDX-License-Identifier: BSD-3-Clause
import json
import time

import pytest

from hostile.delegating import HOSTS, KINDS, ZONE, DelegatingServer

# To one name server, for one evaluation. Ten name servers whose own addresses have to be looked up
# cost four packets for each address, and nothing that libunbound 1.17 lets one set ends that.
MAX_PACKETS = {"zones": 64, "one-zone": 64, "names": 300}
# Those of the world; the victim's address is not among them.
WORLD = "127.53.0.0/29"


@pytest.fixture
def servers(world):
    with DelegatingServer() as servers_:
        yield servers_


def test_a_private_name_server_is_not_asked(servers, new_daemon):
    daemon = new_daemon(dns={"private_name_servers": [WORLD]})
    daemon.start()
    assert daemon.ask(f"one-zone.{ZONE}") == "OK dane"  # row 12: the hosts cannot be looked up
    daemon.settle()
    # Whoever owns such a zone learns why nothing is found, and what to write where.
    for direct in ([], ["--direct"]):
        explained = json.loads(daemon.tool(
            "explain", "--json", *direct, f"one-zone.{ZONE}").stdout)
        [finding] = explained["findings"]
        assert finding["code"] == "name-servers-not-asked"
        zone = f"z0.one-zone.{ZONE}"
        assert finding["text"] == (
            f"the name servers of the zone {zone} are not asked: ns.{zone} at 127.53.0.10, "
            "which is loopback (RFC 1122)")
        assert f'private_name_servers = ["{WORLD}", "127.53.0.10"]' in finding["fix"]
        assert str(daemon.configuration) in finding["fix"]
    assert finding["text"] in daemon.tool("explain", f"one-zone.{ZONE}").stdout
    assert not servers.packets
    daemon.write_configuration(daemon.with_settings(
        dns={"private_name_servers": [WORLD, "127.53.0.10"]}))
    assert daemon.tool("reload").returncode == 0
    assert daemon.ask(f"zones.{ZONE}") == "OK dane"
    assert servers.packets


def test_packets_of_one_evaluation(servers, new_daemon):
    daemon = new_daemon()
    daemon.start()
    for kind in KINDS:
        assert daemon.ask(f"{kind}.{ZONE}") == "OK dane"  # row 12: the hosts cannot be looked up
    daemon.settle()
    before = None
    while before != servers.packets:  # libunbound goes on after nobody waits any more
        before = servers.packets.copy()
        time.sleep(4)
    print("packets", dict(servers.packets))
    for kind in KINDS:
        assert 0 < servers.packets[kind] <= MAX_PACKETS[kind], kind


def test_who_answers_is_asked_for_all(servers, new_daemon):
    servers.delay = 0.05
    daemon = new_daemon()
    daemon.start()
    assert daemon.ask(f"own.{ZONE}") == "NOTFOUND "  # row 13: no host has DANE
    print("queries", servers.queries)
    hosts = daemon.explain(f"own.{ZONE}")["mx"]["hosts"]
    assert [host["state"] for host in hosts] == ["N"] * HOSTS
