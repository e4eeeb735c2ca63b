# test_fleet.py: three daemons that share what they know through a real PostgreSQL
# SPDX-License-Identifier: BSD-3-Clause
import itertools
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import http_client
import table
from daemon import Daemon
from relentless import Clients
from shared_server import Cable, Missing, Server
from world.catalogue import ENFORCE, PolicyHost
from world.processes import run

NODES = 3
LIMIT = 60  # seconds for what takes one or two
BAD_CONFIG = 78
UNREACHABLE = 69
_http_ports = itertools.count(8300)


def enforced(domain: str) -> str:
    return f"OK secure match=mx.{domain} servername=hostname"


def wait_until(condition, what: str) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server(world):
    try:
        with Server() as server_:
            yield server_
    except Missing as why:
        pytest.skip(f"NO FLEET TRIED: {why}")


class Fleet:
    """Daemons around one database, each with a cable of its own."""

    def __init__(self, server_: Server, new_daemon, count: int = NODES) -> None:
        self.server = server_
        self.database = server_.new_database()
        self._new_daemon = new_daemon
        self.nodes: list[Daemon] = []
        self.cables: list[Cable] = []
        for _ in range(count):
            self.add()
        result = self.nodes[0].tool("store", "init")
        assert result.returncode == 0, result.stderr

    def add(self) -> Daemon:
        """Not started yet."""
        node = self._new_daemon()
        cable = Cable(self.server)
        self.nodes.append(node)
        self.cables.append(cable)
        self.join(node, cable)
        return node

    def join(self, node: Daemon, cable: Cable) -> None:
        # Before the first table, where the key belongs.
        node.settings = {"store": cable.uri(self.database), **node.settings,
                         "verdict": {"overrides": str(node.folder / "overrides")}}
        node.write_configuration(node.settings)

    def start(self) -> "Fleet":
        for node in self.nodes:
            node.start()
        wait_until(lambda: all(self.up(node) for node in self.nodes), "nobody reaches the server")
        return self

    def up(self, node: Daemon) -> bool:
        return node.status()["shared_store"]["up"]

    def wait_until_shared(self) -> None:
        """All that is known anywhere is known everywhere."""
        def is_shared() -> bool:
            # A node counts what it has to share when it first sees the tables; then it has a feed.
            if not all(store_fact(node, "feed") for node in self.nodes):
                return False
            if any(node.status()["shared_store"]["unshared"] for node in self.nodes):
                return False
            latest = self.sql("SELECT version FROM postseal_feed")
            feeds = {store_fact(node, "feed") for node in self.nodes}
            return feeds == {latest}
        wait_until(is_shared, "rows are not shared")

    def sql(self, statement: str) -> str:
        return self.server.sql(self.database, statement)


def store_fact(node: Daemon, name: str) -> str:
    rows = own_sql(node, f"SELECT value FROM fleet WHERE name = '{name}'")
    return rows[0][0] if rows else ""


def own_sql(node: Daemon, statement: str) -> list[tuple]:
    """In the node's own database."""
    with sqlite3.connect(node.folder / "state" / "postseal.db", timeout=20) as database:
        rows = database.execute(statement).fetchall()
    database.close()
    return rows


@pytest.fixture
def fleet(server, new_daemon):
    return Fleet(server, new_daemon).start()


def test_first_contact_of_one_protects_all(fleet, world):
    first, second, third = fleet.nodes
    assert first.ask("sts-one.example") == enforced("sts-one.example")
    assert first.ask("dane.example") == "OK dane-only"
    fetched = world.policy_server.requests["sts-one.example"]
    fleet.wait_until_shared()
    world.policy_server.stop()
    try:
        for node in (second, third):
            assert node.ask("sts-one.example") == enforced("sts-one.example")
            shown = node.tool("show", "sts-one.example").stdout
            assert f"fetched by node {store_fact(first, 'node')}" in shown
    finally:
        world.policy_server.start()
    assert "fetched by node" not in first.tool("show", "sts-one.example").stdout
    assert world.policy_server.requests["sts-one.example"] == fetched
    for node in fleet.nodes:
        assert node.explain("sts-one.example")["verdict"]["class"] == "enforce"


def test_the_verdicts_of_all_are_those_of_the_table(fleet):
    expected = [case for case in table.read() if case.row != "-"]
    fleet_of = dict(zip((case.key for case in expected), itertools.cycle(fleet.nodes)))

    def check(node: Daemon, case: table.Expectation) -> str:
        reply = node.ask(case.key)
        wanted = {table.NOT_FOUND: "NOTFOUND ", table.TEMP: "TEMP"}.get(case.legacy,
                                                                      f"OK {case.legacy}")
        good = reply.startswith("TEMP ") if wanted == "TEMP" else reply == wanted
        return "" if good else f"{case.key}: {reply!r}, not {wanted!r} ({case.reason})"

    with ThreadPoolExecutor(24) as pool:
        first = list(pool.map(lambda case: check(fleet_of[case.key], case), expected))
    assert [fault for fault in first if fault] == []
    fleet.wait_until_shared()
    # Once more, each at another node than the one that found it out.
    turned = {key: fleet.nodes[(fleet.nodes.index(node) + 1) % NODES]
              for key, node in fleet_of.items()}
    with ThreadPoolExecutor(24) as pool:
        second = list(pool.map(lambda case: check(turned[case.key], case), expected))
    assert [fault for fault in second if fault] == []


def test_a_change_reaches_answers_in_memory(fleet, world):
    """A policy that one node finds binds the others, who have answered without one."""
    first, second, _ = fleet.nodes
    domain = "sts-404.example"
    assert second.ask(domain) == "NOTFOUND "
    before = world.policy_server.hosts[domain]
    world.policy_server.hosts[domain] = PolicyHost(ENFORCE.replace("$DOMAIN", domain).encode())
    try:
        assert first.tool("refresh", domain).returncode == 0
        wait_until(lambda: second.ask(domain) == enforced(domain), "the policy does not come")
    finally:
        world.policy_server.hosts[domain] = before


def make_due(fleet, *domains: str) -> None:
    """While nobody runs: their day is over."""
    for domain in domains:
        fleet.sql(f"UPDATE postseal_sts SET refresh_at = fetched_at + 1, lease_until = 0"
                  f" WHERE domain = '{domain}'")
        for node in fleet.nodes:
            own_sql(node, f"UPDATE sts SET refresh_at = fetched_at + 1 WHERE domain = '{domain}'")


def test_each_policy_is_fetched_once_for_the_fleet(fleet, world):
    domains = ["sts-one.example", "sts-two.example", "sts-dane.example", "mixed-sts.example"]
    for domain in domains:
        fleet.nodes[0].ask(domain)
    fleet.wait_until_shared()
    for node in fleet.nodes:
        node.stop()
    make_due(fleet, *domains)
    before = dict(world.policy_server.requests)
    at = {domain: fleet.sql(f"SELECT fetched_at FROM postseal_sts WHERE domain = '{domain}'")
          for domain in domains}
    fleet.start()
    wait_until(lambda: all(
        fleet.sql(f"SELECT fetched_at FROM postseal_sts WHERE domain = '{domain}'") != at[domain]
        for domain in domains), "not looked at again")
    fleet.wait_until_shared()
    for domain in domains:
        assert world.policy_server.requests[domain] == before[domain] + 1, domain


def test_a_node_that_is_killed_gives_its_leases_back(fleet, world):
    domain = "sts-one.example"
    first, second, third = fleet.nodes
    assert first.ask(domain) == enforced(domain)
    fleet.wait_until_shared()
    for node in fleet.nodes:
        node.stop()
    make_due(fleet, domain)
    before = world.policy_server.hosts[domain]
    world.policy_server.hosts[domain] = PolicyHost(before.body, manner="slow")
    leased_by = f"SELECT lease_node FROM postseal_sts WHERE domain = '{domain}'"
    try:
        first.start()
        wait_until(lambda: fleet.sql(leased_by) == store_fact(first, "node"), "no lease")
        first.kill()
    finally:
        world.policy_server.hosts[domain] = before
    fetched = world.policy_server.requests[domain]
    second.start()
    third.start()
    # A minute later.
    fleet.sql("UPDATE postseal_sts SET lease_until = 0")
    wait_until(lambda: world.policy_server.requests[domain] > fetched, "nobody takes it over")
    wait_until(lambda: fleet.sql(leased_by) in
               {store_fact(second, "node"), store_fact(third, "node")}, "whose lease?")
    for node in (second, third):
        assert node.ask(domain) == enforced(domain)
    assert world.policy_server.requests[domain] == fetched + 1
    first.start()
    assert first.ask(domain) == enforced(domain)


def test_the_server_goes_away_while_clients_ask(fleet, server):
    first, second, third = fleet.nodes
    with Clients(*(node.connect for node in fleet.nodes)) as clients:
        server.stop()
        try:
            wait_until(lambda: not any(fleet.up(node) for node in fleet.nodes), "nobody notices")
            clients.wait_for_answers()
            status = first.status()
            assert status["degraded"] and "shared store: " in status["degraded_reason"]
            assert "since 20" in status["degraded_reason"]
            assert second.ask("sts-two.example").startswith("OK secure ")
            assert second.status()["shared_store"]["unshared"] > 0
            second.restart()  # with the server away
            assert second.ask("sts-two.example").startswith("OK secure ")
        finally:
            server.start()
        wait_until(lambda: all(fleet.up(node) for node in fleet.nodes), "nobody comes back")
        fleet.wait_until_shared()
        clients.wait_for_answers()
    # Those of the node that was restarted may have been refused for a moment.
    assert [fault for fault in clients.failures() if "refused" not in fault] == []
    assert "sts-two.example" in fleet.sql("SELECT domain FROM postseal_sts")
    assert not first.status()["degraded"]
    assert "works again" in first.log.read_text()


def test_one_node_is_cut_off_and_comes_back(fleet, world):
    first, second, third = fleet.nodes
    fleet.cables[0].cut()
    wait_until(lambda: not fleet.up(first), "it does not notice")
    assert fleet.up(second) and fleet.up(third)
    assert first.ask("sts-one.example") == enforced("sts-one.example")
    assert second.ask("sts-two.example").startswith("OK secure ")
    fetched = dict(world.policy_server.requests)
    fleet.cables[0].mend()
    wait_until(lambda: fleet.up(first), "it does not come back")
    fleet.wait_until_shared()
    for node in fleet.nodes:
        assert node.ask("sts-one.example") == enforced("sts-one.example")
        assert node.ask("sts-two.example").startswith("OK secure ")
    for domain in ("sts-one.example", "sts-two.example"):
        assert world.policy_server.requests[domain] == fetched[domain]


def test_a_new_node_is_safe_from_its_first_answer(fleet, world):
    assert fleet.nodes[0].ask("sts-one.example") == enforced("sts-one.example")
    fleet.wait_until_shared()
    fresh = fleet.add()
    world.stop_dns()
    world.policy_server.stop()
    try:
        fresh.start()
        assert fresh.ask("sts-one.example") == enforced("sts-one.example")
    finally:
        world.start_dns()
        world.policy_server.start()


def test_a_node_that_had_only_its_own_store_shares_it(fleet, world, new_daemon):
    old = new_daemon()
    old.start()
    assert old.ask("sts-two.example").startswith("OK secure ")
    assert old.ask("dane.example") == "OK dane-only"
    assert old.status()["shared_store"] is None
    old.stop()
    assert fleet.sql("SELECT count(*) FROM postseal_sts") == "0"
    fetched = world.policy_server.requests["sts-two.example"]
    cable = Cable(fleet.server)
    fleet.nodes.append(old)
    fleet.cables.append(cable)
    fleet.join(old, cable)
    old.start()
    fleet.wait_until_shared()
    assert fleet.nodes[1].ask("sts-two.example").startswith("OK secure ")
    assert world.policy_server.requests["sts-two.example"] == fetched


def test_forget_forgets_on_all_nodes(fleet):
    first, second, _ = fleet.nodes
    assert first.ask("sts-one.example") == enforced("sts-one.example")
    fleet.wait_until_shared()
    assert second.tool("show", "sts-one.example").returncode == 0
    assert second.tool("forget", "sts-one.example").returncode == 0
    wait_until(lambda: first.tool("show", "sts-one.example").returncode == 1, "not forgotten")


def test_overrides_of_the_fleet(fleet):
    first, second, _ = fleet.nodes
    key = "sts-one.example"
    assert second.ask(key) == enforced(key)
    done = first.tool("overrides", "set", key, "encrypt", "--until", "2099-01-31", "--comment", "why")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: second.ask(key) == "OK encrypt", "the override does not come")
    listed = second.tool("overrides", "list", "--shared").stdout
    assert f"{key} " in listed and "until 2099-" in listed and "why" in listed
    # It is known from the first answer on, without the server; the file's own wins.
    fleet.cables[1].cut()
    second.restart()
    assert second.ask(key) == "OK encrypt"
    overrides = second.folder / "overrides"
    assert str(overrides) in second.configuration.read_text()
    overrides.write_text(f"{key} may\n")
    assert second.tool("overrides", "reload").returncode == 0
    assert second.ask(key) == "OK may"
    overrides.write_text("")
    assert second.tool("overrides", "reload").returncode == 0
    assert second.ask(key) == "OK encrypt"
    fleet.cables[1].mend()
    assert first.tool("overrides", "remove", key).returncode == 0
    assert first.tool("overrides", "remove", key).returncode == 1
    assert first.tool("overrides", "set", key, "mandatory").returncode == 65
    wait_until(lambda: second.ask(key) == enforced(key), "the override stays")


# --- What an operator sees -------------------------------------------------------------------

def test_tables_that_are_not_there(server, new_daemon):
    node = new_daemon()
    node.write_configuration({"store": server.uri(server.new_database()), **node.settings})
    result = run(node.command())
    assert result.returncode == BAD_CONFIG
    assert "postseal store init" in result.stderr.splitlines()[-1]
    assert node.tool("store", "status").returncode == BAD_CONFIG
    made = node.tool("store", "init")
    assert (made.returncode, "have been made" in made.stdout) == (0, True)
    assert "there already" in node.tool("store", "init").stdout
    node.start()


def test_commands(fleet):
    first = fleet.nodes[0]
    status = first.tool("store", "status").stdout
    assert f"shared store  postgresql://postseal@127.0.0.1:{fleet.cables[0].port}/" in status
    assert store_fact(first, "node") in status
    wait_until(lambda: len(first.tool("nodes", "--json").stdout.splitlines()) == NODES, "nodes")
    for node in fleet.nodes:
        assert store_fact(node, "node") in first.tool("nodes").stdout
    assert "shared store" in first.tool("stats").stdout
    fleet.cables[0].cut()
    assert first.tool("store", "status").returncode == UNREACHABLE
    assert first.tool("nodes").returncode == UNREACHABLE


def test_a_daemon_starts_without_the_server_and_never_shows_the_password(new_daemon):
    node = new_daemon()
    secret = "postgresql://relay:s3cret@127.0.0.1:9/mail"
    port = next(_http_ports)
    node.settings["listen"].append({"address": f"inet:127.0.0.1:{port}", "protocol": "http"})
    node.settings = {"store": secret, **node.settings}
    node.write_configuration(node.settings)
    node.start()
    assert node.ask("sts-one.example") == enforced("sts-one.example")
    wait_until(lambda: node.status()["degraded"], "it is not degraded")
    health = http_client.ask(port, "/healthz")
    assert "shared store: " in health.body
    metrics = http_client.ask(port, "/metrics").body
    assert "postseal_shared_store_up 0" in metrics
    assert 'postseal_store_failures_total{reason="shared-unreachable"}' in metrics
    seen = [health.body, metrics, str(node.status()), node.tool("store", "status").stderr,
            node.tool("stats").stdout, node.tool("doctor", "--json").stdout,
            node.tool("check-config").stdout, http_client.ask(port, "/v1/status").body]
    node.wait_for_log("shared-store")
    broken = node.settings | {"store": "postgresql://relay:s3cret@[::1/mail"}
    node.write_configuration(broken)
    seen.append(node.tool("reload").stderr)
    refused(node.command("--check"), seen)
    node.stop()
    refused(node.command(), seen)
    node.write_configuration(node.settings | {"store": "mysql://relay:s3cret@db/mail"})
    refused(node.command(), seen)
    seen += [node.tool("check-config").stderr, node.log.read_text()]
    assert [text for text in seen if "s3cret" in text] == []


def refused(command: list[str], seen: list[str]) -> None:
    result = run(command)
    assert result.returncode == BAD_CONFIG
    seen.append(result.stderr)


def test_without_a_fleet_there_is_no_thread_for_it(daemon, fleet):
    def threads(node: Daemon) -> set[str]:
        tasks = run(["ps", "-L", "-o", "comm=", "-p", str(node.process.pid)]).stdout
        return {line.strip() for line in tasks.splitlines()}

    assert "shared store" in threads(fleet.nodes[0])
    assert "shared store" not in threads(daemon)
