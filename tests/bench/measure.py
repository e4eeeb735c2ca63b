# measure.py: what is measured, a function each; each gives rows of the table
#
# Ratios are medians of pairs: ceiling and postseald take turns, so that what slows the machine
# slows both. Targets are those of the design; a row that misses its own says so.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import json
import pathlib
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from cold import lab
from cold.world import KINDS as FIRST_ANSWERS
from crowd import KINDS, Crowd
from daemon import Daemon, build_folder, preloaded
from processor import Spread, cores, cpu_by_thread, difference, pinned, resident_octets
from world import processes

HERE = pathlib.Path(__file__).resolve().parent
PORT = 8461
CEILING_PORT = 8470
PATIENCE = 3600


@dataclass
class Row:
    what: str
    figure: str
    beside: str = ""  # the ceiling's, or what else it is measured against
    times: str = ""
    target: str = ""
    met: bool | None = None


@dataclass
class Effort:
    """How much is done."""

    runs: int
    requests: int  # a run of cached answers
    cold: int  # domains of a kind
    stall_rate: int  # cached questions a second beside the cold ones
    stores: tuple[int, ...]  # domains in the store
    cached: int  # domains in memory
    tries: int  # of each kind of first answer; more than one: one by one, with its questions


FULL = Effort(runs=7, requests=300_000, cold=2000, stall_rate=2000,
              stores=(10_000, 100_000, 1_000_000, 10_000_000), cached=1_000_000, tries=3)
QUICK = Effort(runs=3, requests=60_000, cold=300, stall_rate=2000,
               stores=(10_000, 100_000), cached=5_000, tries=2)
SMOKE = Effort(runs=1, requests=300, cold=5, stall_rate=200, stores=(1000,), cached=60, tries=1)


def bench_program(name: str) -> str:
    return str(build_folder() / "tests" / "bench" / name)


def _load_command(to: str, keys: pathlib.Path, **how) -> list[str]:
    command = [bench_program("load"), "--to", to, "--keys", str(keys), "--limit", str(PATIENCE)]
    for name, value in how.items():
        option = "--" + name.replace("_", "-")
        command += [option] if value is True else [option, str(value)]
    return command


def load(to: str, keys: pathlib.Path, core: int | None = None, **how) -> dict:
    """One run of the generator. An answer that is wrong ends the benchmark."""
    return outcome(start_load(to, keys, core, **how))


def start_load(to: str, keys: pathlib.Path, core: int | None = None, **how) -> subprocess.Popen:
    command = pinned(core) + _load_command(to, keys, **how)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcome(generator: subprocess.Popen) -> dict:
    out, error = generator.communicate(timeout=PATIENCE)
    if generator.returncode != 0:
        wrong = json.loads(out)["first_unexpected"] if out else ""
        raise RuntimeError(f"load: status {generator.returncode}: {error}{wrong}")
    return json.loads(out)


def fresh_daemon(crowd: Crowd, name: str, before: list[str] | None = None, threads: int = 1,
                 **sections) -> Daemon:
    """A fresh postseald, not started yet; `before`: words before its command."""
    sections.setdefault("log", {"level": "info"})
    sections.setdefault("sandbox", {"write": [str(crowd.folder)]})  # where the probe writes
    daemon = Daemon(crowd, crowd.folder / name, PORT, **sections)
    daemon.enter_command = before or []
    if threads > 1:
        daemon.write_configuration({"threads": threads, **daemon.settings})
    return daemon


@contextlib.contextmanager
def ceilings(crowd: Crowd, to: str, core: int | None, count: int = 1):
    log = crowd.folder / "ceiling.log"
    command = [*pinned(core), bench_program("ceiling"), to]
    running = [processes.start(command, log) for _ in range(count)]
    time.sleep(0.3)
    try:
        yield
    finally:
        for process in running:
            processes.stop(process)


# --- Cached answers --------------------------------------------------------------------------

SHAPES = ((1, 1), (16, 1), (64, 1), (16, 16))


def takes_threads(crowd: Crowd) -> bool:
    """Whether this postseald knows the key `threads`."""
    check = fresh_daemon(crowd, "threads-check", threads=2).command("--check")
    return processes.run(check).returncode == 0


def cached(crowd: Crowd, effort: Effort) -> list[Row]:
    rows = _cached(crowd, effort, 1)
    if takes_threads(crowd):
        rows += _cached(crowd, effort, 2)
    return rows


def _cached(crowd: Crowd, effort: Effort, threads: int) -> list[Row]:
    """One thread has a core and the generator the other; two share both with the generator."""
    server, generator = cores() if threads == 1 else (None, None)
    last = min(100, effort.cold)
    keys = crowd.keys(*KINDS, last=last)
    # The ceiling's replies are all the same.
    plain = crowd.keys(*KINDS, last=last, replies=False)
    rows = []
    with fresh_daemon(crowd, f"cached-{threads}", pinned(server), threads) as daemon:
        for transport in ("tcp", "unix"):
            to = f"127.0.0.1:{PORT}" if transport == "tcp" else str(daemon.unix_socket)
            beside = (f"127.0.0.1:{CEILING_PORT}" if transport == "tcp"
                      else str(crowd.folder / "ceiling.sock"))
            load(to, keys, connections=16, requests=0)
            # Several processes cannot share a unix socket's path.
            count = threads if transport == "tcp" else 1
            if threads > 1 and transport == "unix":
                continue
            with ceilings(crowd, beside, server, count):
                for shape in SHAPES if threads == 1 else SHAPES[2:]:
                    rows.append(_cached_row(transport, threads, shape, effort,
                                            ((to, keys), (beside, plain)), generator))
    return rows


def _cached_row(transport, threads, shape, effort, targets, core) -> Row:
    connections, in_flight = shape
    ours, theirs = [], []
    requests = effort.requests // 5 if shape == (1, 1) else effort.requests * (1 + in_flight // 8)
    for _ in range(effort.runs):
        for (to, keys), into in zip(targets, (ours, theirs)):
            into.append(load(to, keys, core, connections=connections, in_flight=in_flight,
                             requests=requests, zipf=True))
    ratio = statistics.median(a["rate"] / b["rate"] for a, b in zip(ours, theirs))
    least = 0.9 if in_flight == 1 else 0.5
    name = f"cached, {transport}, {connections} x {in_flight}"
    return Row(
        name if threads == 1 else f"{name}, threads = {threads}",
        Spread([run["rate"] for run in ours]).text() + "/s",
        f"{Spread([run['rate'] for run in theirs]).text()}/s, ratio {ratio:.2f}",
        f"p99 {statistics.median(r['p99'] for r in ours):,.0f} us "
        f"(ceiling {statistics.median(r['p99'] for r in theirs):,.0f})",
        f"ratio {least}", ratio >= least,
    )


# --- Cached answers beside cold lookups ------------------------------------------------------

def stalls(crowd: Crowd, effort: Effort) -> list[Row]:
    """A thousand lookups in flight; a cached question now and then, at a steady rate."""
    known = min(20, effort.cold // 2)
    keys = crowd.keys(*KINDS, last=known)
    plain = crowd.keys(*KINDS, last=known, replies=False)
    # Late answers are right otherwise than those in time.
    unknown = crowd.keys(*KINDS, first=known, silent=True, replies=False)
    probe = crowd.folder / "loop.json"
    before = preloaded(bench_program("loop_probe.so"), f"LOOP_PROBE={probe}")
    to, beside = f"127.0.0.1:{PORT}", f"127.0.0.1:{CEILING_PORT}"
    with ceilings(crowd, beside, None), fresh_daemon(crowd, "stalls", before) as daemon:
        load(to, keys, connections=4, requests=0)
        daemon.process.send_signal(signal.SIGUSR2)
        begin = time.monotonic()
        lookups = start_load(to, unknown, connections=64, in_flight=16, requests=0)
        ours, theirs = [], []
        while lookups.poll() is None and time.monotonic() - begin < 60:
            paced = [start_load(server, file, connections=4, requests=2 * effort.stall_rate,
                                rate=effort.stall_rate, zipf=True)
                     for server, file in ((to, keys), (beside, plain))]
            for generator, into in zip(paced, (ours, theirs)):
                into.append(outcome(generator))
        daemon.process.send_signal(signal.SIGUSR2)
        cold_ones = outcome(lookups)
    turns = json.loads(probe.read_text(encoding="ascii"))["threads"]
    loop = next(t for t in turns if t["id"] == min(u["id"] for u in turns))
    p99 = statistics.median(run["p99"] for run in ours)
    return [
        Row("cached beside 1,000 cold, p99", f"{p99:,.0f} us",
            f"ceiling {statistics.median(run['p99'] for run in theirs):,.0f} us",
            f"over 5 ms: {sum(run['over_5ms'] for run in ours)} of "
            f"{sum(run['requests'] for run in ours)} "
            f"(ceiling {sum(run['over_5ms'] for run in theirs)})",
            "1,000 us", p99 <= 1000),
        Row("the loop's longest turn, CPU", f"{loop['cpu_us']:,.0f} us",
            f"{loop['turns']:,} turns, over 1 ms: {loop['over_1ms']}",
            f"on the wall {loop['wall_us']:,.0f} us", "5,000 us", loop["cpu_us"] <= 5000),
        Row("the cold ones beside them", f"{cold_ones['rate']:,.0f}/s", f"{cold_ones['requests']}",
            f"p50 {cold_ones['p50'] / 1000:,.1f} ms, p99 {cold_ones['p99'] / 1000:,.1f} ms"),
    ]


# --- Cold lookups ----------------------------------------------------------------------------

COLD_TARGETS = {"dane": (0.6, None), "sts": (1.2, 1500), "plain": (0.4, None)}


def cold(crowd: Crowd, effort: Effort) -> list[Row]:
    return [_cold_row(crowd, effort, kind) for kind in KINDS] + round_trips(effort)


def round_trips(effort: Effort) -> list[Row]:
    """In a network namespace of its own, where every packet is held."""
    command = [sys.executable, "-B", str(HERE / "cold" / "lab.py"), "--tries", str(effort.tries),
               "--lose"]
    done = processes.run([*command, *["--one-by-one"] * (effort.tries > 1)], timeout=PATIENCE)
    if done.returncode == lab.EXIT_UNAVAILABLE:
        return [Row("round trips", "not counted", done.stderr.strip())]
    if done.returncode != 0:
        raise RuntimeError(f"lab: {done.stderr}")
    rows, results = [], json.loads(done.stdout)
    for kind in FIRST_ANSWERS:
        found = results["kinds"][kind.name]
        if not found["right"]:
            raise RuntimeError(f"{kind.title}: {found['reply']}")
        questions = f"{min(found['questions'])} DNS questions" if found["questions"] else ""
        rows.append(Row(f"round trips, {kind.title}", str(found["round_trips"]), questions,
                        target=str(kind.goal), met=found["round_trips"] <= kind.goal))
    for name, lost in results["lost"].items():
        kind = next(kind for kind in FIRST_ANSWERS if kind.name == name)
        prefix, rrtype = lab.LOST[name]
        more = min(lost["seconds"]) - results["kinds"][name]["round_trips"] * lab.DELAY / 1000
        rows.append(Row(f"a lost packet, {kind.title}: {rrtype} of {prefix}DOMAIN",
                        f"{more:.2f} s more", target="1.5 s", met=more < 1.5))
    return rows


def _cold_row(crowd: Crowd, effort: Effort, kind: str) -> Row:
    """A new daemon each time; the first domains bring root, TLD and providers to its resolver."""
    first = min(40, effort.cold // 2)
    warm = crowd.keys(kind, last=first)
    keys = crowd.keys(kind, first=first)
    runs, split = [], []
    for n in range(min(effort.runs, 3)):
        with fresh_daemon(crowd, f"cold-{kind}-{n}") as daemon:
            load(f"127.0.0.1:{PORT}", warm, connections=4, requests=0)
            before = cpu_by_thread(daemon.process.pid)
            runs.append(load(f"127.0.0.1:{PORT}", keys, connections=64, requests=0))
            used = difference(before, cpu_by_thread(daemon.process.pid))
            split.append({k: 1000 * v / runs[-1]["requests"] for k, v in used.items()})
    sums = Spread([sum(each.values()) for each in split])
    names = sorted({name for each in split for name in each})
    parts = ", ".join(f"{name} {statistics.median(e.get(name, 0) for e in split):.2f}"
                      for name in names)
    most, least = COLD_TARGETS[kind]
    rate = Spread([run["rate"] for run in runs])
    met = sums.median <= most and (least is None or rate.median >= least)
    return Row(
        f"cold, {kind}, {runs[0]['requests']:,} domains, 64 x 1",
        f"{sums.text('{:.2f}')} ms of CPU ({parts})", f"{rate.text()}/s",
        f"p50 {statistics.median(r['p50'] for r in runs) / 1000:,.1f} ms, "
        f"p99 {statistics.median(r['p99'] for r in runs) / 1000:,.1f} ms",
        f"{most} ms" + (f", {least:,}/s" if least else ""), met,
    )


# --- Memory and store ------------------------------------------------------------------------

def memory(crowd: Crowd, effort: Effort) -> list[Row]:
    """Filled by lookups through the real daemon; 5 % have DANE and 5 % a policy."""
    keys = crowd.folder / "many.keys"
    kinds = ("dane", "sts", *("plain",) * 18)
    with open(keys, "w", encoding="ascii") as out:
        for n in range(effort.cached):
            out.write(f"d{n * 7919 % effort.cached:x}.many-{kinds[n % 20]}.example\n")
    with fresh_daemon(crowd, "memory", cache={"memory": "2G"},
                      https={"per_address": 64}) as daemon:
        load(f"127.0.0.1:{PORT}", crowd.keys("plain", last=5), requests=0)
        empty = resident_octets(daemon.process.pid)
        run = load(f"127.0.0.1:{PORT}", keys, connections=64, requests=0)
        time.sleep(2)  # what was saved has been written
        held = daemon.status()["memory"]["answers"]
        full = resident_octets(daemon.process.pid)
    whole = full / 2**20
    met = None if effort.cached < 1_000_000 else whole <= 500
    return [Row(f"memory of {held:,} cached domains", f"{whole:,.0f} MiB resident",
                f"{empty / 2**20:,.0f} MiB empty", f"{(full - empty) / held:,.0f} octets a domain",
                "500 MB at 1,000,000", met),
            Row("filling it by cold lookups", f"{run['rate']:,.0f}/s")]


def stores(crowd: Crowd, effort: Effort) -> list[Row]:
    rows, measured = [], []
    for count in effort.stores:
        folder = crowd.folder / f"store-{count}" / "state"
        _run(bench_program("store_size"), "fill", str(folder), str(count))
        (folder / "postseal.db").read_bytes()  # into the page cache
        one = json.loads(_run(bench_program("store_size"), "measure", str(folder), str(count)))
        measured.append(one)
        last_of = count == effort.stores[-1]
        growth = one["load_cpu_us"] / measured[0]["load_cpu_us"]
        rows.append(Row(
            f"store of {count:,} domains: loading a known one",
            f"p50 {one['load_p50_us']:.1f}, p99 {one['load_p99_us']:.1f} us",
            f"{one['file_octets'] / 2**20:,.0f} MiB, {one['file_octets'] / count:.0f} octets each",
            f"CPU {one['load_cpu_us']:.1f} us ({growth:.2f} of the smallest's); "
            f"refreshing {one['refresh_cpu_s_an_hour']:.2f} s an hour",
            "p99 1,000 us" + (", growth 1.5" if last_of else ""),
            one["load_p99_us"] <= 1000 and (not last_of or growth <= 1.5),
        ))
        rows.append(_start_row(crowd, count))
        (folder / "postseal.db").unlink()
    return [_start_row(crowd, 0), *rows]


def _start_row(crowd: Crowd, count: int) -> Row:
    """From fork to the first connection, and to the first right answer, of a domain that the store
    knows and DNS has."""
    listening, answered = [], []
    domain = next(domain for domain in reversed(crowd.domains["sts"]) if domain.reply)
    for _ in range(6):
        daemon = fresh_daemon(crowd, f"store-{count}")
        begin = time.monotonic()
        daemon.process = processes.start(daemon.command(), daemon.log)
        connection = _connect(daemon)
        listening.append(1000 * (time.monotonic() - begin))
        with connection:
            reply = connection.ask("postfix", domain.name)
        answered.append(1000 * (time.monotonic() - begin))
        daemon.stop()
        if reply != domain.reply:
            raise RuntimeError(f"{domain.name}: {reply}")
    # After the first time the store knows the domain.
    first, right = Spread(listening[1:]), Spread(answered[1:])
    return Row(f"start with {count:,} domains in the store",
               f"listening after {first.text('{:.0f}')} ms", "",
               f"first right answer after {right.text('{:.0f}')} ms",
               "50 ms, answer 100 ms", first.median <= 50 and right.median <= 100)


def _connect(daemon: Daemon):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            return daemon.connect()
        time.sleep(0.0005)
    raise RuntimeError(f"postseald does not listen:\n{daemon.log_text()}")


def _run(*command: str) -> str:
    done = processes.run(list(command), timeout=PATIENCE)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr}")
    return done.stdout


ALL = {"cached": cached, "stalls": stalls, "cold": cold, "memory": memory, "stores": stores}
