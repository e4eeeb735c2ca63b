# test_fleet_server.py: what happens to the fleet's server, and who stands before it
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import os
import signal

import pytest

from fleet import Fleet, enforced, wait_until
from pooler import Pooler
from shared_server import Missing, Server
from world import addresses, processes


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
    assert (again.returncode, "already exist" in again.stdout) == (0, True)
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
    assert (init.returncode, "have been created" in init.stdout) == (0, True), init.stderr


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


def shared(fleet: Fleet) -> set[str]:
    return set(fleet.sql("SELECT domain FROM postseal_sts WHERE body <> ''").split())


@contextlib.contextmanager
def locked(fleet: Fleet, table: str):
    """By somebody who has begun a transaction and does not end it."""
    holder = processes.start(
        ["psql", "-X", "-q", "-h", str(fleet.server.folder), "-U", "postseal", "-d",
         fleet.database, "-c", f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;"
         " SELECT pg_sleep(600)"], fleet.nodes[0].folder / "holder")
    held = (f"SELECT count(*) FROM pg_locks WHERE relation = '{table}'::regclass"
            " AND mode = 'AccessExclusiveLock' AND granted")
    wait_until(lambda: fleet.sql(held) == "1", "no lock")
    try:
        yield
    finally:
        fleet.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                  " WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()")
        holder.wait(30)


@pytest.mark.parametrize("table", ["postseal_sts", "postseal_change"])
def test_a_lock_that_is_not_given_back_costs_no_answer(fleet, table):
    first, second, _ = fleet.nodes
    with locked(fleet, table):
        assert first.ask("sts-one.example") == enforced("sts-one.example")
        assert second.ask("sts-plain.example") == enforced("sts-plain.example")
        wait_until(lambda: "no answer within" in first.tool("stats").stdout, "nobody notices")
        done = first.tool("store", "status")  # it reads postseal_change, and nothing that is big
        expected = (69, True) if table == "postseal_change" else (0, False)
        assert (done.returncode, "no answer within 10 s" in done.stderr) == expected, done
    wait_until(fleet.is_whole, "nobody comes back")
    fleet.wait_until_shared()
    assert shared(fleet) == {"sts-one.example", "sts-plain.example"}


def test_a_password_that_is_changed(world, tmp_path, new_node):
    """The server's first. The daemons read the new one from their password file, by themselves."""
    passwords = tmp_path / "passwords"

    def tell_nodes(password: str) -> None:
        passwords.write_text(f"*:*:*:postseal:{password}\n", encoding="ascii")
        passwords.chmod(0o600)

    tell_nodes("s3cret")
    try:
        with Server(address=addresses.FIRST_SERVER,
                    who="host all all 0.0.0.0/0 scram-sha-256",
                    parameters=f"&passfile={passwords}") as server:
            server.sql("postgres", "ALTER ROLE postseal PASSWORD 's3cret'")
            fleet = Fleet(server, new_node, count=2).start()
            first, second = fleet.nodes
            server.sql("postgres", "ALTER ROLE postseal PASSWORD 'n3w'")
            fleet.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                      " WHERE client_addr IS NOT NULL")
            wait_until(lambda: not any(node.reaches_server() for node in fleet.nodes),
                       "nobody notices")
            assert first.ask("sts-one.example") == enforced("sts-one.example")
            wait_until(lambda: "password authentication failed" in first.tool("stats").stdout,
                       "nobody says so")
            tell_nodes("n3w")
            wait_until(fleet.is_whole, "nobody comes back")
            fleet.wait_until_shared()
            assert shared(fleet) == {"sts-one.example"}
            assert not [node for node in fleet.nodes if "s3cret" in node.log.read_text()]
    except Missing as why:
        pytest.skip(f"NO PASSWORD CHANGED: {why}")


@pytest.fixture
def server_with_a_small_disk(world):
    try:
        with Server(address=addresses.FIRST_SERVER, disk=24) as server:
            yield server
    except Missing as why:
        pytest.skip(f"NO DISK FILLED: {why}")


def test_a_full_disk_of_the_server(server_with_a_small_disk, new_node):
    """No answer waits; the reason is said; all is shared when there is room again."""
    fleet = Fleet(server_with_a_small_disk, new_node, count=2).start()
    first, second = fleet.nodes
    with server_with_a_small_disk.full_disk():
        assert first.ask("sts-one.example") == enforced("sts-one.example")
        assert second.ask("sts-plain.example") == enforced("sts-plain.example")
        wait_until(lambda: "No space left on device" in first.tool("stats").stdout,
                   "nobody says so")
        refused = [first.tool("overrides", "set", f"key{n}.example", "may") for n in range(200)][-1]
        assert (refused.returncode, "No space left on device" in refused.stderr) == (75, True), refused
    wait_until(fleet.is_whole, "nobody comes back")
    fleet.wait_until_shared()
    assert shared(fleet) == {"sts-one.example", "sts-plain.example"}
