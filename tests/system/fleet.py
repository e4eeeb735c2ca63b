# fleet.py: daemons that share what they know, each on a machine of its own, and their server
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import sqlite3
import subprocess
import time

from daemon import PROJECT, Daemon, program
from machine import Machine
from shared_server import Server
from socketmap import Connection
from world import World, processes
from world.processes import run

NODES = 3
LIMIT = 60  # seconds for what takes one or two
PORT = 8461


class Node(Daemon):
    def __init__(self, world: World, folder: pathlib.Path) -> None:
        folder.mkdir(parents=True)
        self.machine = Machine(folder)
        super().__init__(world, folder, PORT)
        self.enter_command = self.machine.enter_command
        self.settings["verdict"] = {"overrides": str(folder / "overrides")}
        self.write_configuration(self.settings)

    def end(self) -> None:
        self.stop()
        self.machine.end()

    def connect(self) -> Connection:
        return self.connect_unix()

    def tool(self, *arguments: str) -> subprocess.CompletedProcess:
        return run([*self.enter_command, program("postseal"), "--config", str(self.configuration),
                    *arguments])

    def keep_at(self, store: str) -> None:
        # Before the first table, where the key belongs.
        self.settings = {"store": store, **self.settings}
        self.write_configuration(self.settings)

    @property
    def name(self) -> str:
        return self.fact("node")

    def reaches_server(self) -> bool:
        return self.status()["shared_store"]["up"]

    def fact(self, name: str) -> str:
        """One of those that it keeps about the fleet."""
        rows = self.own_sql(f"SELECT value FROM fleet WHERE name = '{name}'")
        return rows[0][0] if rows else ""

    def own_sql(self, statement: str) -> list[tuple]:
        """In its own database."""
        with sqlite3.connect(self.folder / "state" / "postseal.db", timeout=20) as database:
            rows = database.execute(statement).fetchall()
        database.close()
        return rows


class Fleet:
    def __init__(self, server: Server, new_node, count: int = NODES) -> None:
        self.server = server
        self.database = server.new_database()
        self._new_node = new_node
        self.nodes: list[Node] = []
        for _ in range(count):
            self.add(new_node())
        result = self.nodes[0].tool("store", "init")
        assert result.returncode == 0, result.stderr

    def add(self, node: Node) -> Node:
        """Not started yet."""
        node.keep_at(self.server.uri(self.database))
        self.nodes.append(node)
        return node

    def add_new(self) -> Node:
        return self.add(self._new_node())

    def start(self) -> "Fleet":
        for node in self.nodes:
            node.start()
        wait_until(self.is_whole, "nobody reaches the server")
        return self

    def is_whole(self) -> bool:
        return all(node.reaches_server() for node in self.nodes)

    def cut_off(self, node: Node) -> None:
        """From the server; all else goes on."""
        node.machine.lose(self.server.address)

    def mend(self, node: Node) -> None:
        node.machine.find(self.server.address)

    def wait_until_shared(self) -> None:
        """All that is known anywhere is known everywhere."""
        def is_shared() -> bool:
            # A node counts what it has to share when it first sees the tables; then it has a feed.
            if not all(node.fact("feed") for node in self.nodes):
                return False
            if any(node.status()["shared_store"]["unshared"] for node in self.nodes):
                return False
            latest = self.sql("SELECT version FROM postseal_change")
            return {node.fact("feed") for node in self.nodes} == {latest}
        wait_until(is_shared, "rows are not shared")

    def make_due(self, *domains: str) -> None:
        """While nobody runs: their day is over."""
        for domain in domains:
            self.sql("UPDATE postseal_sts SET refresh_at = fetched_at + 1, lease_until = 0"
                     f" WHERE domain = '{domain}'")
            for node in self.nodes:
                node.own_sql("UPDATE sts SET refresh_at = fetched_at + 1"
                             f" WHERE domain = '{domain}'")

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def sql(self, statement: str) -> str:
        return self.server.sql(self.database, statement)


def spoof(node: Node, *domains: str) -> subprocess.Popen:
    """What goes to the name servers, which the node's machine has captured, meets a liar."""
    log = node.folder / "spoofer"
    process = processes.start([*node.machine.enter_command, "/usr/bin/python3", "-B",
                               str(PROJECT / "tests/system/hostile/spoofer.py"), *domains], log)
    wait_until(lambda: process.poll() is not None or "ready" in log.read_text(), "no spoofer")
    assert process.poll() is None, log.read_text()
    return process


def enforced(domain: str) -> str:
    return f"OK secure match=mx.{domain} servername=hostname"


def wait_until(condition, what: str, limit: float = LIMIT) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)
