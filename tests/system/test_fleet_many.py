# test_fleet_many.py: thirty nodes at one server
# SPDX-License-Identifier: BSD-3-Clause
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet import Fleet, enforced
from fleet_figures import Figures, server_for_many
from shared_server import Missing

MANY = 30
IDLE = 1.6  # statements a second and node: a poll each second, and a report now and then


@pytest.fixture
def server(world):
    try:
        with server_for_many() as server:
            yield server
    except Missing as why:
        pytest.skip(f"NO LARGE FLEET TRIED: {why}")


def test_thirty_nodes_share_one_fetch_and_ask_little(server, new_node, world):
    fleet = Fleet(server, new_node, count=MANY).start()
    domain = "sts-one.example"
    before = world.policy_server.requests[domain]
    assert fleet.nodes[0].ask(domain) == enforced(domain)
    fleet.wait_until_shared()
    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda node: node.ask(domain), fleet.nodes))
    assert answers == [enforced(domain)] * MANY
    assert world.policy_server.requests[domain] == before + 1
    figures = Figures(fleet)
    assert len(figures.news()) > 0
    # Soon the news has been read everywhere.
    assert any(figures.statements(10) <= IDLE for _ in range(3))
