# test_fleet_failover.py: the fleet's server fails over to a standby that lacks the last writes, is
# restored, or there are two of it: afterwards all nodes hold the merge of what all of them and the
# server hold, and each override is in force everywhere or nowhere
# SPDX-License-Identifier: BSD-3-Clause
import json

import pytest

from fleet import Fleet, enforced, wait_until
from shared_server import ANYBODY, Missing, Server
from standby import Standby
from world import addresses, processes

ROUNDS = 2
KEY = "override.example"
POLICIES = ("sts-one.example", "sts-two.example", "sts-dane.example")


@pytest.fixture
def server(world):
    """One of the test's own: the fleet's is shared by others."""
    try:
        with Server("wal_level=replica", "max_wal_senders=4", address=addresses.FIRST_SERVER,
                    who=f"{ANYBODY}\nlocal replication all trust") as server:
            yield server
    except Missing as why:
        pytest.skip(f"NO FAILOVER TRIED: {why}")


@pytest.fixture
def own_fleet(server, new_node):
    return Fleet(server, new_node).start()


def set_override(node, key: str, policy: str) -> None:
    done = node.tool("overrides", "set", key, policy)
    assert done.returncode == 0, done.stderr


def remove_override(node, key: str) -> None:
    done = node.tool("overrides", "remove", key)
    assert done.returncode == 0, done.stderr


def everywhere(fleet: Fleet, key: str, answer: str) -> None:
    for node in fleet.nodes:
        wait_until(lambda: node.ask(key) == answer,
                   f"{node.name} answers {node.ask(key)!r} for {key}, not {answer!r}")


def policies_of(node) -> set[str]:
    """In its own database."""
    return {row[0] for row in node.own_sql("SELECT domain FROM sts WHERE body <> ''")}


def server_has(fleet: Fleet, *domains: str) -> None:
    def has() -> bool:
        return set(domains) <= set(fleet.sql("SELECT domain FROM postseal_sts"
                                             " WHERE body <> ''").split())
    wait_until(has, f"the server lacks one of {domains}")


def all_have(fleet: Fleet, *domains: str) -> None:
    server_has(fleet, *domains)
    for node in fleet.nodes:
        wait_until(lambda: set(domains) <= policies_of(node), f"{node.name} lacks one of {domains}")
    listed = {json.dumps(sorted(node.tool("overrides", "list", "--shared", "--json")
                                .stdout.splitlines())) for node in fleet.nodes}
    assert len(listed) == 1


def noticed(fleet: Fleet) -> int:
    """How often nodes have said that the server is of another history."""
    return sum(node.log.read_text().count("of another history") for node in fleet.nodes)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_failover_to_a_standby_that_lacks_the_last_writes(own_fleet, server, round_):
    fleet = own_fleet
    first, second, third = fleet.nodes
    assert first.ask("sts-one.example") == enforced("sts-one.example")
    set_override(first, KEY, "may")
    everywhere(fleet, KEY, "OK may")
    fleet.wait_until_shared()
    with Standby(server) as standby:
        standby.wait_until_caught_up()
        standby.cut()
        # Acknowledged by the primary, and not on the standby.
        assert second.ask("sts-two.example").startswith("OK secure ")
        assert third.ask("sts-dane.example") == "OK dane-only"
        remove_override(first, KEY)
        set_override(first, "b." + KEY, "encrypt")
        everywhere(fleet, "b." + KEY, "OK encrypt")
        fleet.wait_until_shared()
        before = int(fleet.sql("SELECT version FROM postseal_change"))
        fleet.server = standby
        assert int(fleet.sql("SELECT version FROM postseal_change")) < before
        assert "sts-two.example" not in fleet.sql("SELECT domain FROM postseal_sts")
        server.stop()
        standby.take_over()
        # The first writers bring the new primary's number up beyond what nodes have read.
        for n in range(before):
            set_override(first, f"n{n}.{KEY}", "may")
        set_override(first, "after." + KEY, "encrypt")
        everywhere(fleet, "after." + KEY, "OK encrypt")
        assert noticed(fleet) > 0
        # Nothing that anybody knew is lost, and what was removed stays removed.
        everywhere(fleet, KEY, "NOTFOUND ")
        everywhere(fleet, "b." + KEY, "OK encrypt")
        all_have(fleet, *POLICIES)
        fleet.wait_until_shared()


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_restore_from_a_dump_brings_nothing_back(own_fleet, server, round_):
    fleet = own_fleet
    first, second, _ = fleet.nodes
    set_override(first, KEY, "may")
    everywhere(fleet, KEY, "OK may")
    fleet.wait_until_shared()
    to_server = ["-h", str(server.folder), "-U", "postseal", "-d", fleet.database]
    dump = server.folder / "dump.sql"
    made = processes.run(["pg_dump", "--clean", "-f", str(dump), *to_server])
    assert made.returncode == 0, made.stderr
    remove_override(first, KEY)
    set_override(first, "b." + KEY, "encrypt")
    assert second.ask("sts-two.example").startswith("OK secure ")
    everywhere(fleet, "b." + KEY, "OK encrypt")
    fleet.wait_until_shared()
    restored = processes.run(["psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", str(dump),
                              *to_server])
    assert restored.returncode == 0, restored.stderr
    server_has(fleet, "sts-two.example")
    everywhere(fleet, "b." + KEY, "OK encrypt")
    everywhere(fleet, KEY, "NOTFOUND ")
    wait_until(lambda: fleet.sql(f"SELECT line FROM postseal_override WHERE key = '{KEY}'") == "",
               "the server still has what was removed")
    assert noticed(fleet) > 0


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_after_a_split_all_hold_what_both_sides_knew(server, new_node, round_):
    with Standby(server, address=addresses.SECOND_SERVER) as standby:
        fleet = Fleet(server, new_node)
        one, two, other = fleet.nodes
        # The standby takes no writes, so all begin at the primary; `one` will have to leave its
        # first host, from which then nothing comes any more.
        for node, hosts in ((one, (server, standby)), (two, (standby, server)),
                            (other, (server, standby))):
            node.settings.pop("store")
            node.keep_at(f"postgresql://postseal@{hosts[0].address},{hosts[1].address}/"
                         f"{fleet.database}?sslmode=disable&target_session_attrs=read-write")
        fleet.start()
        set_override(one, KEY, "may")
        everywhere(fleet, KEY, "OK may")
        fleet.wait_until_shared()
        standby.wait_until_caught_up()
        for node in (one, two):
            node.machine.lose(server.address)
        standby.cut()
        standby.promote()
        # Each side goes on by itself.
        wait_until(lambda: one.reaches_server() and two.reaches_server(), "nobody goes over")
        remove_override(one, KEY)
        wait_until(lambda: two.ask(KEY) == "NOTFOUND ", "the override stays at its own side")
        assert two.ask("sts-two.example").startswith("OK secure ")
        set_override(other, "b." + KEY, "encrypt")
        assert other.ask("sts-one.example") == enforced("sts-one.example")
        assert other.ask("sts-dane.example") == "OK dane-only"
        wait_until(lambda: other.ask("b." + KEY) == "OK encrypt", "the other side stands still")
        assert other.ask(KEY) == "OK may"
        wait_until(lambda: not other.status()["shared_store"]["unshared"], "rows are not shared")
        # It is over: the old primary is stopped.
        server.stop()
        fleet.server = standby
        everywhere(fleet, "b." + KEY, "OK encrypt")
        everywhere(fleet, KEY, "NOTFOUND ")
        all_have(fleet, *POLICIES)
        assert noticed(fleet) > 0
