# test_fleet_tool.py: what the operator of a fleet sees
# SPDX-License-Identifier: BSD-3-Clause
import itertools

import pytest

import http_client
from daemon import Daemon
from fleet import NODES, enforced, wait_until
from shared_server import Missing, Server
from world import addresses
from world.processes import run

BAD_CONFIG = 78
UNREACHABLE = 69
BY_NAME = "db.fleet.example"
_http_ports = itertools.count(12000)


def test_tables_that_are_not_there(fleet_server, new_node):
    node = new_node()
    database = fleet_server.new_database()
    node.keep_at(fleet_server.uri(database))
    # A relay goes on with its own database, and says what is missing.
    node.start()
    assert node.ask("sts-one.example") == enforced("sts-one.example")
    wait_until(lambda: node.status()["store"]["degraded"], "it is not degraded")
    assert "postseal store init" in node.log.read_text()
    assert node.tool("store", "status").returncode == BAD_CONFIG
    made = node.tool("store", "init")
    assert (made.returncode, "have been created" in made.stdout) == (0, True)
    assert "already exist" in node.tool("store", "init").stdout
    wait_until(lambda: not node.status()["store"]["degraded"], "it does not see that they are there")
    wait_until(lambda: fleet_server.sql(database, "SELECT count(*) FROM postseal_sts") == "1",
               "it does not share what it has found out")
    # As after the upgrade of another node.
    node.stop()
    fleet_server.sql(database, "UPDATE postseal_meta SET schema_version = 99")
    node.start()
    assert node.ask("sts-one.example") == enforced("sts-one.example")
    wait_until(lambda: node.status()["store"]["degraded"], "it is not degraded")
    assert "run the newer postseal" in node.log.read_text()


def test_commands(fleet):
    first = fleet.nodes[0]
    status = first.tool("store", "status").stdout
    assert f"shared store  postgresql://postseal@{fleet.server.address}/" in status
    assert first.name in status
    wait_until(lambda: len(first.tool("nodes", "--json").stdout.splitlines()) == NODES, "nodes")
    for node in fleet.nodes:
        assert node.name in first.tool("nodes").stdout
    assert "shared store" in first.tool("stats").stdout
    fleet.cut_off(first)
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
    wait_until(lambda: node.status()["store"]["degraded"], "it is not degraded")
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


@pytest.fixture
def tls_server(world):
    """It takes connections by TLS only, and asks for a password."""
    try:
        with Server(address=addresses.SHARED_STORE_TLS,
                    who="hostssl all relay 0.0.0.0/0 scram-sha-256",
                    chain=world.certificates.chain("good", BY_NAME)) as server:
            yield server
    except Missing as why:
        pytest.skip(f"NO TLS TO THE SERVER TRIED: {why}")


def test_tls_to_the_server_is_as_the_connection_string_says(world, tls_server, new_node):
    database = tls_server.new_database()
    tls_server.sql("postgres", "CREATE ROLE relay LOGIN PASSWORD 's3cret'")
    tls_server.sql("postgres", f"ALTER DATABASE {database} OWNER TO relay")

    def uri(host: str = BY_NAME, mode: str = "verify-full", ca=world.ca_file,
            password: str = "s3cret") -> str:
        trust = f"&sslrootcert={ca}" if ca else ""
        return (f"postgresql://relay:{password}@{host}/{database}"
                f"?hostaddr={tls_server.address}&sslmode={mode}{trust}")

    node = new_node()
    plain = node.settings
    seen = []
    for wrong, reason in ((uri(host="other.fleet.example"), "does not match host name"),
                          (uri(ca=node.folder / "absent.pem"), "does not exist"),
                          (uri(mode="disable", ca=None), "no pg_hba.conf entry"),
                          (uri(password="wr0ng"), "password authentication failed")):
        node.settings = plain
        node.keep_at(wrong)
        done = node.tool("store", "init")
        assert done.returncode != 0 and reason in done.stderr, done.stderr
        seen.append(done.stderr)
    node.settings = plain
    node.keep_at(uri())
    done = node.tool("store", "init")
    assert done.returncode == 0, done.stderr
    node.start()
    wait_until(node.reaches_server, "it does not reach the server")
    assert node.ask("sts-one.example") == enforced("sts-one.example")
    encrypted = ("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                 " WHERE usename = 'relay'")
    assert tls_server.sql(database, encrypted) == "t"
    seen += [node.log.read_text(), node.tool("store", "status").stdout]
    assert [text for text in seen if "s3cret" in text or "wr0ng" in text] == []
