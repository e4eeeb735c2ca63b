#!/usr/bin/python3
# fleet_figures.py: what many daemons at one server ask of it, and how soon the last one knows of news
#
#     POSTSEAL_BUILD=../../build fleet_figures.py [--nodes N] [--seconds N] [--set-back POLICIES]
#
# --set-back: instead, what it costs the server when nodes that have read so many policies notice that it
# has gone back: rows read, and seconds of its processor.
#
# Real daemons, each on a machine of its own, in a network namespace of its own; status 77 if this
# machine cannot run it.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import contextlib
import json
import os
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


FILL = """
INSERT INTO postseal_sts (domain, body, id, fetched_at, expires_at, failures, failed_id, fault, reason,
    failed_at, retry_at, refresh_at, record_gone, origin, forgotten_at, changed_at, version)
SELECT 'd' || n || '.example',
    convert_to('version: STSv1' || chr(10) || 'mode: enforce' || chr(10) || 'mx: mx.d' || n
        || '.example' || chr(10) || 'max_age: 604800' || chr(10), 'UTF8'),
    '20260101T000000', now - 60000, now + 500000000, 0, '', '', '', 0, 0, now + 80000000, false, 'n0', 0,
    now, 1 + n / {page}
FROM generate_series(0, {last}) AS n,
    (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now) AS t
"""
LOG = """
INSERT INTO postseal_log (version, token, at)
SELECT n, md5(CAST(n AS text)), CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)
FROM generate_series(1, {versions}) AS n
"""
PAGE = 200  # policies of one version
LOST = 5  # versions


def cpu_seconds(pid: int) -> float:
    ticks = 0
    for process in processes.family(pid):
        with contextlib.suppress(OSError):
            stat = pathlib.Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def set_back(fleet: Fleet, policies: int) -> dict:
    """As a standby does that lacks the last writes: it has gone back, and somebody writes there."""
    versions = 1 + (policies - 1) // PAGE
    fleet.sql(FILL.format(page=PAGE, last=policies - 1))
    fleet.sql(LOG.format(versions=versions))
    fleet.sql(f"UPDATE postseal_change SET version = {versions}")
    fleet.sql("VACUUM ANALYZE")

    def cost() -> tuple[float, float, float]:
        time.sleep(2)  # what it counts it tells late
        rows = fleet.sql("SELECT tup_returned FROM pg_stat_database"
                         f" WHERE datname = '{fleet.database}'")
        return time.monotonic(), float(rows), cpu_seconds(fleet.server.pid)

    def spent(since: tuple[float, float, float]) -> dict:
        seconds, rows, cpu = (now - then for now, then in zip(cost(), since, strict=True))
        return {"seconds": round(seconds, 1), "rows": int(rows), "server_cpu_seconds": round(cpu, 2)}

    def wait_until_read(version: str) -> None:
        end = time.monotonic() + 600
        while {node.fact("feed") for node in fleet.nodes} != {version}:
            assert time.monotonic() < end, "the feed is not read"
            time.sleep(0.5)

    begin = cost()
    fleet.start()
    wait_until_read(str(versions))
    result = {"nodes": len(fleet.nodes), "policies": policies, "first_reading": spent(begin)}
    begin = cost()
    time.sleep(10)
    result["idle"] = spent(begin)
    for node in fleet.nodes:
        fleet.cut_off(node)
    for table in ("sts", "log"):
        fleet.sql(f"DELETE FROM postseal_{table} WHERE version > {versions - LOST}")
    fleet.sql(f"UPDATE postseal_change SET version = {versions - LOST}")
    begin = cost()
    for node in fleet.nodes:
        fleet.mend(node)
    set_ = fleet.nodes[0].tool("overrides", "set", "news.example", "may")
    assert set_.returncode == 0, set_.stderr
    end = time.monotonic() + 600
    lost = policies - PAGE * (versions - LOST)
    while int(fleet.sql("SELECT count(*) FROM postseal_sts"
                        f" WHERE version > {versions - LOST}")) < lost:
        assert time.monotonic() < end, "what was lost is not offered again"
        time.sleep(1)
    fleet.wait_until_shared()
    result["set_back"] = spent(begin)
    return result


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--set-back", type=int, default=0, metavar="POLICIES")
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
                    fleet = Fleet(server, new_node, options.nodes)
                    figures = (set_back(fleet, options.set_back) if options.set_back
                               else measure(fleet.start(), options.seconds))
                    print(json.dumps(figures, indent=2))
                finally:
                    for node in made:
                        node.end()
        except (Missing, Unavailable) as why:
            print(f"NOT RUN: {why}", file=sys.stderr)
            return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
