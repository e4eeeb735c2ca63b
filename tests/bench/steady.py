#!/usr/bin/python3
# steady.py: the postseald of the folder POSTSEAL_BUILD under the same load for a long time;
# contrib/dev/soak calls it
#
# Of the questions a tenth is for domains that are not in memory, and a tenth of those for domains
# whose lookup fails. Every reply is compared with the one that must come. Ends with a line of
# figures. Status: 0; 1 if a reply was wrong, memory grew or a descriptor was lost; 2 if the machine
# was too slow for the rate; 77 if it cannot run this.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import pathlib
import sys
import tempfile
import time
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import measure  # noqa: E402
from crowd import KINDS, MANY_FAIL, Crowd, Unavailable  # noqa: E402
from processor import resident_octets  # noqa: E402
from resources import descriptors  # noqa: E402

COLD, FAILING = 0.09, 0.01  # of all questions: one in ten is not in memory
TOGETHER = 16  # questions in a packet: the generators leave the cores to what is asked
KNOWN = 1000  # domains of a kind
SLICE = 30  # seconds: of a run of the generator
ROUND = 12  # slices: then the cold domains begin anew; long forgotten
MEMORY = "24M"  # of answers: less than a round of them
SETTLED = ROUND * SLICE  # seconds: by then each domain has been written once, and every cache is full
GROWTH = 0.05
RATE = 0.95  # of what was wanted
COLD_REPLIES = {
    "plain": "NOTFOUND ",
    "sts": "OK secure match=.provider1.example servername=hostname",
    "dane": "OK dane-only",
}
COLD_KINDS = ("plain",) * 48 + ("sts", "dane")  # most domains promise nothing


@dataclass
class Sample:
    at: float  # seconds since the beginning
    octets: int
    descriptors: int


class Load:
    """Three generators side by side, a slice at a time."""

    def __init__(self, crowd: Crowd, rate: int) -> None:
        self._to = f"127.0.0.1:{measure.PORT}"
        self._known = crowd.keys(*KINDS, last=KNOWN)
        self._rates = {"known": rate * (1 - COLD - FAILING), "cold": rate * COLD,
                       "failing": rate * FAILING}
        self._folder = crowd.folder
        self._chunks = [self._cold_keys(n) for n in range(ROUND)]
        self._failing = [self._keys(f"failing-{n}", (
            (f"f{n}-{i}.{MANY_FAIL}", "OK dane") for i in range(self._count("failing"))
        )) for n in range(ROUND)]
        self.slices = 0
        self.replies = {kind: 0 for kind in self._rates}
        self.slowest = {kind: 0.0 for kind in self._rates}  # milliseconds, p99 of a slice

    def _count(self, kind: str) -> int:
        return round(self._rates[kind] * SLICE)

    def _cold_keys(self, chunk: int) -> pathlib.Path:
        names = ((f"c{chunk}-{n}", COLD_KINDS[n % len(COLD_KINDS)])
                 for n in range(self._count("cold")))
        return self._keys(f"cold-{chunk}", (
            (f"{name}.many-{kind}.example", COLD_REPLIES[kind]) for name, kind in names))

    def _keys(self, name: str, pairs) -> pathlib.Path:
        path = self._folder / f"{name}.keys"
        path.write_text("".join(f"{key}\t{reply}\n" for key, reply in pairs), encoding="ascii")
        return path

    def warm_up(self) -> None:
        measure.load(self._to, self._known, connections=16, requests=0)

    def run_slice(self) -> float:
        """How many questions a second were answered. RuntimeError: a reply was wrong."""
        turn = self.slices % ROUND
        self.slices += 1
        files = {"known": self._known, "cold": self._chunks[turn], "failing": self._failing[turn]}
        begun = time.monotonic()
        running = {
            kind: measure.start_load(
                self._to, file, connections=16, rate=self._rates[kind], together=TOGETHER,
                requests=self._count(kind), **({"zipf": True} if kind == "known" else {}))
            for kind, file in files.items()
        }
        outcomes = {kind: measure.outcome(generator) for kind, generator in running.items()}
        for kind, outcome in outcomes.items():
            self.replies[kind] += outcome["requests"]
            self.slowest[kind] = max(self.slowest[kind], outcome["p99"] / 1000)
        return sum(o["requests"] for o in outcomes.values()) / (time.monotonic() - begun)


def spread(samples: list[Sample]) -> float:
    octets = [sample.octets for sample in samples]
    return max(octets) / min(octets) - 1


def soak(crowd: Crowd, seconds: float, rate: int) -> int:
    load = Load(crowd, rate)
    samples: list[Sample] = []
    rates: list[float] = []
    with measure.fresh_daemon(crowd, "steady", threads=2, log={"level": "warning"},
                              cache={"memory": MEMORY}, https={"per_address": 64}) as daemon:
        load.warm_up()
        before = daemon.status()
        begun = time.monotonic()
        while (now := time.monotonic() - begun) < seconds:
            rates.append(load.run_slice())
            pid = daemon.process.pid
            samples.append(Sample(now, resident_octets(pid), descriptors(pid)))
            print(f"{now:6.0f} s: {rates[-1]:,.0f}/s, {samples[-1].octets / 2**20:.1f} MiB, "
                  f"{samples[-1].descriptors} descriptors", flush=True)
        after = daemon.status()
    looked_up = after["queries"]["lookup"] - before["queries"]["lookup"]
    return judge(load, samples, rates, rate, looked_up)


def judge(load: Load, samples: list[Sample], rates: list[float], rate: int,
          looked_up: int) -> int:
    replies = sum(load.replies.values())
    cold = load.replies["cold"] + load.replies["failing"]
    settled = [sample for sample in samples if sample.at >= SETTLED]
    grown = (f"{100 * spread(settled):.1f} %" if len(settled) > 1
             else "not judged in so short a time")
    files = [sample.descriptors for sample in samples]
    mean = sum(rates) / len(rates)
    slowest = ", ".join(f"{kind} {ms:.1f} ms" for kind, ms in load.slowest.items())
    print(f"steady: {replies:,} replies, all right, at {mean:,.0f}/s; {looked_up:,} looked up "
          f"({100 * looked_up / replies:.1f} %), {load.replies['failing']:,} of which fail; "
          f"highest p99 of {SLICE} s: {slowest}; memory {samples[0].octets / 2**20:.0f} MiB after "
          f"{SLICE} s, {samples[-1].octets / 2**20:.0f} MiB at the end, from {SETTLED} s on within: "
          f"{grown}; descriptors {min(files)} to {max(files)}, last {files[-1]}")
    faults = []
    if len(settled) > 1 and spread(settled) > GROWTH:
        faults.append(f"memory is not flat to within {100 * GROWTH:.0f} %")
    if files[-1] > files[0] + 16:
        faults.append("descriptors are lost")
    if looked_up < 0.9 * cold:
        faults.append(f"only {looked_up} lookups: {cold} questions were meant to need one")
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if faults:
        return 1
    if mean < RATE * rate:
        print(f"TOO SLOW: this machine does not give {rate:,} a second", file=sys.stderr)
        return 2
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="contrib/dev/soak")
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--rate", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="postseal-soak.") as folder:
        try:
            crowd = Crowd(pathlib.Path(folder), pathlib.Path(measure.bench_program("policy_host")),
                          KNOWN)
        except Unavailable as why:
            print(f"SOAK NOT RUN: {why}", file=sys.stderr)
            return 77
        with crowd:
            try:
                return soak(crowd, options.seconds, options.rate)
            except RuntimeError as wrong:
                print(f"FAILED: {wrong}", file=sys.stderr)
                return 1


if __name__ == "__main__":
    sys.exit(main())
