#!/usr/bin/python3
# fleet_figures.py: what many daemons at one server ask of it, and how soon the last one knows of news
#
#     POSTSEAL_BUILD=../../build fleet_figures.py [--nodes N] [--seconds N]
#
# Real daemons, each on a machine of its own, in a network namespace of its own; status 77 if this
# machine cannot run it.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

from fleet import Fleet, Node, wait_until
from shared_server import Missing, Server
from world import Unavailable, World, addresses, processes

NEWS = 8  # pieces, one after the other
CONNECTIONS = 400


def server_for_many() -> Server:
    return Server(f"max_connections={CONNECTIONS}", address=addresses.FIRST_SERVER)


class Figures:
    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def statements(self, seconds: float, during: Callable[[], None] = lambda: None) -> float:
        """A second and node: each is a transaction of its own."""
        before, since = self._transactions(), time.monotonic()
        while time.monotonic() < since + seconds:
            during()
            time.sleep(1)
        done = self._transactions() - before
        return done / (time.monotonic() - since) / len(self._fleet.nodes)

    def news(self) -> list[float]:
        """Seconds until the last node answers by an override that was set at the first."""
        took = []
        for number in range(NEWS):
            key = f"news{number}.example"
            set_ = self._fleet.nodes[0].tool("overrides", "set", key, "may")
            assert set_.returncode == 0, set_.stderr
            since = time.monotonic()
            for node in self._fleet.nodes:
                wait_until(lambda: node.ask(key) == "OK may", f"a node does not know of {key}")
            took.append(time.monotonic() - since)
        return took

    def server_megabytes(self) -> float:
        """Of memory that is no other process's, a node."""
        octets = 0
        for pid in processes.family(self._fleet.server.pid):
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            octets += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines()
                          if line.startswith("Pss:"))
        return octets / len(self._fleet.nodes) / 1e6

    def _transactions(self) -> int:
        return int(self._fleet.sql("SELECT xact_commit + xact_rollback FROM pg_stat_database"
                                   f" WHERE datname = '{self._fleet.database}'"))


def measure(fleet: Fleet, seconds: float) -> dict:
    figures = Figures(fleet)
    idle = figures.statements(seconds)
    took = figures.news()
    numbers = iter(range(10**6))

    def tell() -> None:
        fleet.nodes[0].tool("overrides", "set", f"more{next(numbers)}.example", "may")

    return {
        "nodes": len(fleet.nodes),
        "statements_idle": round(idle, 2),
        "statements_with_news": round(figures.statements(seconds, tell), 2),
        "server_megabytes": round(figures.server_megabytes(), 1),
        "news_at_last_node_p50": round(statistics.median(took), 2),
        "news_at_last_node_max": round(max(took), 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    made: list[Node] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)

        def new_node() -> Node:
            made.append(Node(world, folder / f"node{len(made)}"))
            return made[-1]

        try:
            with World(folder / "world") as world, server_for_many() as server:
                try:
                    fleet = Fleet(server, new_node, options.nodes).start()
                    print(json.dumps(measure(fleet, options.seconds), indent=2))
                finally:
                    for node in made:
                        node.end()
        except (Missing, Unavailable) as why:
            print(f"NOT RUN: {why}", file=sys.stderr)
            return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
