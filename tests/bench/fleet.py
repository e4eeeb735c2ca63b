#!/usr/bin/python3
# fleet.py: what a fleet costs its server: 20 stores, one PostgreSQL, a million domains
#
#   tests/bench/fleet.py [--nodes N] [--domains N] [--seconds N] [--misses N]
#
# The server is Debian's as it comes, with 256 MB of shared buffers, on a unix socket; its CPU time is
# that of all its processes. POSTSEAL_BUILD is the folder with fleet_load, which does the asking.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from daemon import PROJECT  # noqa: E402
from processor import machine  # noqa: E402
from shared_server import Server  # noqa: E402
from world.processes import family  # noqa: E402

BUILD = pathlib.Path(os.environ.get("POSTSEAL_BUILD", PROJECT / "build"))
AT_ONCE = 50_000
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.d%s.example\nmx: *.mail.d%s.example\nmax_age: 604800\n"
FILL_POLICIES = """
INSERT INTO postseal_sts (domain, body, id, fetched_at, expires_at, failures, failed_id, fault, reason,
    failed_at, retry_at, refresh_at, record_gone, origin, forgotten_at, changed_at, version)
SELECT 'd' || n || '.example',
    convert_to(replace(E'{body}', '%s', n::text), 'UTF8'), '20260101T000000',
    now - 80000000, now + 500000000, 0, '', '', '', 0, 0, now + n * 86400000 / {domains}, false, 'n0', 0,
    now, {version}
FROM generate_series(CAST({first} AS bigint), {last}) AS n,
    (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now) AS t
"""
FILL_LOOKS = """
INSERT INTO postseal_nexthop (nexthop, dane, dane_seen_at, verdict, verdict_row, verdict_since, seen_at,
    forgotten_at, changed_at, version)
SELECT 'd' || n || '.example', false, now - 90000000, 'enforce', 13, now - 90000000, now - 90000000, 0,
    now, {version}
FROM generate_series(CAST({first} AS bigint), {last}) AS n,
    (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now) AS t
"""


def fill(server: Server, database: str, domains: int) -> None:
    body = POLICY.replace("\n", "\\n")
    for first in range(0, domains, AT_ONCE):
        last = min(first + AT_ONCE, domains) - 1
        for statement in (FILL_POLICIES, FILL_LOOKS):
            server.sql(database, statement.format(body=body, domains=domains, first=first, last=last,
                                                  version=first // AT_ONCE + 1))
    server.sql(database, f"UPDATE postseal_change SET version = {domains // AT_ONCE + 1}")
    server.sql(database, "VACUUM ANALYZE")
    server.sql(database, "CHECKPOINT")


def cpu_seconds(pid: int) -> float:
    ticks = 0
    for process in family(pid):
        stat = pathlib.Path(f"/proc/{process}/stat")
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # its own, and that of its children that have ended
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--domains", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--misses", type=float, default=5, help="a second and node")
    arguments = parser.parse_args()
    load = [str(BUILD / "tests/bench/fleet_load")]
    numbers = [str(arguments.nodes), str(arguments.domains), str(arguments.seconds),
               str(arguments.misses)]
    with Server("fsync=on", "shared_buffers=256MB", "max_connections=100", address="") as server:
        database = server.new_database()
        uri = server.uri(database)
        config = server.folder / "postseal.toml"
        config.write_text(f'store = "{uri}"\n', encoding="utf-8")
        subprocess.run([str(BUILD / "postseal"), "--config", str(config), "store", "init"], check=True)
        fill(server, database, arguments.domains)
        before = cpu_seconds(server.pid)
        measured = subprocess.run(load + [uri, *numbers], check=True, capture_output=True, text=True)
        used = cpu_seconds(server.pid) - before
        row = server.sql(database, "SELECT avg(octet_length(t::text)) FROM"
                                   " (SELECT * FROM postseal_sts LIMIT 1000) AS t")
        size = server.sql(database, f"SELECT pg_database_size('{database}')")
    result = json.loads(measured.stdout)
    result["server_cpu_percent"] = round(100 * used / arguments.seconds, 2)
    result["octets_of_a_policy_row"] = round(float(row))
    result["octets_of_the_database"] = int(size)
    print(machine())
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
