# test_amplification.py: who publishes records of a domain cannot make us send packets to others
# SPDX-License-Identifier: BSD-3-Clause
import pytest

from hostile.delegating import ZONE, DelegatingServer

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
    assert servers.packets == 0
    daemon.write_configuration(daemon.with_settings(
        dns={"private_name_servers": [WORLD, "127.53.0.10"]}))
    assert daemon.tool("reload").returncode == 0
    assert daemon.ask(f"zones.{ZONE}") == "OK dane"
    assert servers.packets > 0
