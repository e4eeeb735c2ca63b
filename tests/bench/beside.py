# beside.py: postseald and postfix-mta-sts-resolver in the same world, in turn
#
# Both answer for domains with an MTA-STS policy, whose replies are the same to the octet, and each
# reply is compared. One process each: for cached answers all servers are on one core, of which only
# the one that is asked does anything, and the generator and the peer's resolver on the other.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import os
import pathlib
import statistics
import time

import peer
from crowd import Crowd
from measure import CEILING_PORT, PORT, Effort, Row, ceilings, fresh_daemon, load
from peer import CACHES, Peer
from processor import Spread, cores, cpu_by_thread, difference, pinned, resident_octets
from world.validating_resolver import ValidatingResolver

SHAPES = (1, 16, 64)  # connections, a question in flight each
PEER_PORT = 8480
RUNS = 5  # at most, of a third of the requests that measure.py makes
SHARE = 10  # the peer gets so much fewer again, so that its runs take about as long as ours
MEMORY = 10_000  # what the peer's internal cache holds by default


def peers(crowd: Crowd, effort: Effort) -> list[Row]:
    root = peer.prepare()
    name = f"{peer.PACKAGE} {peer.version(root)}"
    return [Row("what is beside it", "", name), *_cached(crowd, effort, root),
            _cold(crowd, effort, root), *_memory(crowd, effort, root)]


def _resolver(crowd: Crowd, name: str) -> ValidatingResolver:
    return ValidatingResolver(crowd.folder / name, crowd.trust_anchor, crowd.root_hints)


def _peer(crowd: Crowd, root: pathlib.Path, name: str, cache: str, resolver: ValidatingResolver,
          core: int | None = None) -> Peer:
    return Peer(root, crowd.folder / f"{name}-{cache}", cache, PEER_PORT + CACHES.index(cache),
                crowd.ca_file, resolver, pinned(core))


# --- Cached answers --------------------------------------------------------------------------

def _cached(crowd: Crowd, effort: Effort, root: pathlib.Path) -> list[Row]:
    server, generator = cores()
    last = min(100, effort.cold)
    policies = crowd.keys("sts", last=last)
    nothing = crowd.keys("plain", last=last)
    without_replies = crowd.keys("sts", last=last, replies=False)
    rows = []
    with contextlib.ExitStack() as stack:
        resolver = stack.enter_context(_resolver(crowd, "beside-resolver"))
        if generator is not None:
            os.sched_setaffinity(resolver.pid, {generator})
        stack.enter_context(fresh_daemon(crowd, "beside", pinned(server)))
        ceiling = f"127.0.0.1:{CEILING_PORT}"
        stack.enter_context(ceilings(crowd, ceiling, server))
        theirs = [stack.enter_context(_peer(crowd, root, "beside", cache, resolver, server)).to
                  for cache in CACHES]
        for keys in (policies, nothing):
            for to in (f"127.0.0.1:{PORT}", *theirs):
                load(to, keys, connections=16, requests=0)
        for what, keys, shapes in (("with a policy", policies, SHAPES),
                                   ("without", nothing, SHAPES[-1:])):
            # The ceiling's replies are all the same.
            servers = [(f"127.0.0.1:{PORT}", keys, 1), (ceiling, without_replies, 1),
                       *((to, keys, SHARE) for to in theirs)]
            for connections in shapes:
                rows.append(_cached_row(f"known, {what}, tcp, {connections} x 1", servers,
                                        connections, effort, generator))
    return rows


def _cached_row(what: str, servers, connections: int, effort: Effort, core: int | None) -> Row:
    requests = effort.requests // (30 if connections == 1 else 3)
    runs: list[list[dict]] = [[] for _ in servers]
    for _ in range(min(effort.runs, RUNS)):
        for (to, keys, share), into in zip(servers, runs):
            into.append(load(to, keys, core, connections=connections, requests=requests // share,
                             zipf=True))
    rates = [Spread([run["rate"] for run in each]).text() for each in runs]
    p99 = [f"{statistics.median(run['p99'] for run in each):,.0f}" for each in runs]
    ratios = [statistics.median(ours["rate"] / other["rate"] for ours, other in zip(runs[0], each))
              for each in runs[2:]]
    beside = "; ".join(f"{cache} {rate}/s, ratio {ratio:.1f}"
                       for cache, rate, ratio in zip(CACHES, rates[2:], ratios))
    return Row(what, f"{rates[0]}/s", f"{beside}; ceiling {rates[1]}/s",
               f"p99 {p99[0]} us ({', '.join(map(' '.join, zip(CACHES, p99[2:])))}, "
               f"ceiling {p99[1]})")


# --- Cold lookups ----------------------------------------------------------------------------

def _cold(crowd: Crowd, effort: Effort, root: pathlib.Path) -> Row:
    """New processes each time, also of the peer's resolver, whose time counts as the peer's."""
    first = min(40, effort.cold // 2)
    warm = crowd.keys("sts", last=first)
    keys = crowd.keys("sts", first=first, last=first + effort.cold // 4)
    runs: list[list[tuple[dict, float]]] = [[] for _ in range(1 + len(CACHES))]
    for n in range(min(effort.runs, 3)):
        with fresh_daemon(crowd, f"beside-cold-{n}") as daemon:
            runs[0].append(_cold_run(f"127.0.0.1:{PORT}", warm, keys, [daemon.process.pid]))
        for cache, into in zip(CACHES, runs[1:]):
            with (_resolver(crowd, f"beside-cold-resolver-{n}-{cache}") as resolver,
                  _peer(crowd, root, f"beside-cold-{n}", cache, resolver) as other):
                into.append(_cold_run(other.to, warm, keys, [other.pid, resolver.pid]))
    rates = [f"{Spread([run['rate'] for run, _ in each]).text()}/s" for each in runs]
    cpu = [f"{Spread([cpu for _, cpu in each]).text('{:.2f}')} ms of CPU" for each in runs]
    p99 = [f"{statistics.median(run['p99'] for run, _ in each) / 1000:,.0f}" for each in runs]
    return Row(
        f"cold, with a policy, {runs[0][0][0]['requests']:,} domains, 64 x 1",
        f"{rates[0]}, {cpu[0]}",
        "; ".join(map(" ".join, zip(CACHES, (f"{r}, {c}" for r, c in zip(rates[1:], cpu[1:]))))),
        f"p99 {p99[0]} ms ({', '.join(map(' '.join, zip(CACHES, p99[1:])))})",
    )


def _cold_run(to: str, warm: pathlib.Path, keys: pathlib.Path,
              pids: list[int]) -> tuple[dict, float]:
    """What the generator says, and milliseconds of CPU a lookup."""
    load(to, warm, connections=4, requests=0)
    before = [cpu_by_thread(pid) for pid in pids]
    run = load(to, keys, connections=64, requests=0)
    used = [difference(old, cpu_by_thread(pid)) for old, pid in zip(before, pids)]
    return run, 1000 * sum(sum(each.values()) for each in used) / run["requests"]


# --- Memory ----------------------------------------------------------------------------------

def _memory(crowd: Crowd, effort: Effort, root: pathlib.Path) -> list[Row]:
    """Policies that were looked up. postseald resolves itself; what the peer's resolver takes is
    given beside."""
    count = min(effort.cached, MEMORY)
    keys = crowd.folder / "beside.keys"
    keys.write_text("".join(f"d{n:x}.many-sts.example\n" for n in range(count)), encoding="ascii")
    warm = crowd.keys("sts", last=2)
    with fresh_daemon(crowd, "beside-memory", https={"per_address": 64}) as daemon:
        ours = _filled(f"127.0.0.1:{PORT}", daemon.process.pid, warm, keys, count)
        held = daemon.status()["memory"]["answers"]
    if held < count:
        raise RuntimeError(f"{held} of {count} domains are in memory")
    theirs = []
    for cache in CACHES:
        with (_resolver(crowd, f"beside-memory-resolver-{cache}") as resolver,
              _peer(crowd, root, "beside-memory", cache, resolver) as other):
            figures = _filled(other.to, other.pid, warm, keys, count)
            theirs.append(f"{cache} {figures}, "
                          f"its resolver {resident_octets(resolver.pid) / 2**20:,.0f}")
    return [Row(f"memory with {count:,} policies", ours, "; ".join(theirs))]


def _filled(to: str, pid: int, warm: pathlib.Path, keys: pathlib.Path, count: int) -> str:
    load(to, warm, requests=0)
    empty = resident_octets(pid)
    load(to, keys, connections=16, requests=0)
    time.sleep(2)  # what was saved has been written
    full = resident_octets(pid)
    return (f"{full / 2**20:,.0f} MiB resident (empty {empty / 2**20:,.0f}; "
            f"{(full - empty) / count:,.0f} octets each)")
