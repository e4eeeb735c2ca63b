# test_fleet_server.py: what happens to the fleet's server, and who stands before it
# SPDX-License-Identifier: BSD-3-Clause
import os
import signal

import pytest

from fleet import Fleet, enforced, wait_until
from pooler import Pooler
from shared_server import Missing
from world import addresses


@pytest.fixture
def pooler(fleet_server):
    try:
        with Pooler(fleet_server, addresses.SECOND_SERVER) as pooler:
            yield pooler
    except Missing as why:
        pytest.skip(f"NO POOLER TRIED: {why}")


def test_a_pooler_in_transaction_mode(fleet_server, pooler, new_node):
    """Three nodes by two connections; nobody else finds settings of theirs."""
    fleet = Fleet(fleet_server, new_node)
    for node in fleet.nodes:
        node.settings.pop("store")
        node.keep_at(pooler.uri(fleet.database))
    again = fleet.nodes[0].tool("store", "init")
    assert (again.returncode, "there already" in again.stdout) == (0, True)
    fleet.start()
    first, second, third = fleet.nodes
    assert first.ask("sts-one.example") == enforced("sts-one.example")
    fleet.wait_until_shared()
    for node in (second, third):
        wait_until(lambda: f"by node {first.name}\n" in node.tool("show", "sts-one.example").stdout,
                   f"{node.name} does not know it")
    done = second.tool("overrides", "set", "a.example", "may")
    assert done.returncode == 0, done.stderr
    for node in fleet.nodes:
        wait_until(lambda: node.ask("a.example") == "OK may", "the override does not come")
    # Whatever connection of the pool it is.
    for _ in range(8):
        assert pooler.sql(fleet.database, "SHOW statement_timeout") == "0"
        assert pooler.sql(fleet.database, "SHOW idle_in_transaction_session_timeout") == "0"
        assert "postseal" not in pooler.sql(fleet.database, "SHOW search_path")
    assert fleet.is_whole()
    made = new_node()
    made.keep_at(pooler.uri(fleet_server.new_database()))
    init = made.tool("store", "init")
    assert (init.returncode, "have been made" in init.stdout) == (0, True), init.stderr


def test_a_server_that_stands_still_costs_no_answer(fleet_server, fleet):
    """Its processes are stopped, its connections stay: each node goes on, and comes back."""
    first = fleet.nodes[0]
    pids = [fleet_server.pid, *map(int, fleet.sql(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        " AND pid <> pg_backend_pid()").split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert first.ask("sts-one.example") == enforced("sts-one.example")
        wait_until(lambda: not any(node.reaches_server() for node in fleet.nodes),
                   "nobody notices")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    wait_until(fleet.is_whole, "nobody comes back")
    fleet.wait_until_shared()


def test_rights_that_are_taken_and_given_again(fleet_server, new_node):
    fleet = Fleet(fleet_server, new_node, count=2)
    role = f"relay_{fleet.database}"
    fleet.sql(f"CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    for node in fleet.nodes:
        node.settings.pop("store")
        node.keep_at(fleet_server.uri(fleet.database).replace("postseal@", f"{role}@"))
    fleet.start()
    first, second = fleet.nodes
    fleet.sql(f"REVOKE ALL ON postseal_sts FROM {role}")
    assert first.ask("sts-one.example") == enforced("sts-one.example")
    wait_until(lambda: not first.reaches_server(), "nobody notices")
    assert "permission denied" in first.tool("stats").stdout
    fleet.sql(f"GRANT ALL ON postseal_sts TO {role}")
    wait_until(fleet.is_whole, "nobody comes back")
    fleet.wait_until_shared()
    assert fleet.sql("SELECT domain FROM postseal_sts") == "sts-one.example"
    assert second.ask("sts-one.example") == enforced("sts-one.example")
