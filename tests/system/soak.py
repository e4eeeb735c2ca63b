#!/usr/bin/python3
# soak.py: postseald among domains that change all the time and while things break, every answer
# judged
#
#     POSTSEAL_BUILD=../../build-debug soak.py [--seconds N] [--domains N] [--seed N] [--crowd N]
#                                              [--calm N] [--folder DIR] [--only FAULT,...]
#
# Real name servers and a real policy server, in a network namespace of its own; several clients ask
# by socketmap without a pause. Meanwhile the faults of soak_faults.py happen, in an order that the
# seed decides, each once before any of them again. What a right answer is: soak_model.py.
# Ends with a line of numbers; status 0 if no answer was wrong, 1 if one was, 77 if this machine
# cannot run it.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import collections
import pathlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator

from soak_chance import Chance
from soak_clients import Clients
from soak_faults import FAULTS, Fault
from soak_history import Happening, History
from soak_pace import Pace
from soak_stage import Stage
from world.changing import ChangingWorld
from world.netns import Unavailable

LONG = 300  # seconds of a run that has the long faults, too
WARM_UP = 6  # seconds until the first fault: policies are held by then
CALM = 0.5, 1.5  # seconds between two faults
KILLED_AFTER = 0.4  # how likely a kill ends the calm
SHOWN = 20  # violations told in full


class Soak:
    def __init__(self, folder: pathlib.Path, options: argparse.Namespace) -> None:
        self._chance = Chance(options.seed)
        self._random = random.Random(options.seed)
        self._faults = [FAULTS[name] for name in options.only or FAULTS
                        if options.only or not FAULTS[name].awaits
                        and (not FAULTS[name].is_long or options.seconds >= LONG)]
        self._seconds = options.seconds
        self._calm = options.calm
        self.domains = self._chance.domains(options.domains)
        self._world = ChangingWorld(folder / "world", self.domains)
        self.history = History()
        self._pace = Pace(self._world, self._chance, self.domains, self._check)
        self._stage = Stage(self._world, folder / "daemon", self.history, self._pace,
                            options.crowd)
        self.clients = Clients(self._stage.daemon.connect, self.domains, self.history, options.seed)
        self.violations: list[str] = []
        self.not_made = {} if options.only else {
            fault.name: f"issue 15, {fault.awaits}" for fault in FAULTS.values() if fault.awaits
        }  # and why

    def run(self) -> None:
        """A round of the faults is ended, if it takes longer than that."""
        with self._world, self._stage.daemon, self.clients:
            self._end = time.monotonic() + self._seconds
            self._pace.go_on(WARM_UP)
            for fault in self._order():
                self._make(fault)
                self._pace.go_on(self._calm or self._random.uniform(*CALM))
                if self._random.random() < KILLED_AFTER:
                    self._stage.kill()
                    self._stage.start()
            self._pace.go_on(self._end - time.monotonic())
        self.violations = [*self.clients.violations, *self._stage.violations,
                           *self._stage.unrefreshed()]

    def _check(self) -> None:
        for fault in self.clients.faults[:1]:
            raise fault

    def _order(self) -> Iterator[Fault]:
        rounds = 0
        while rounds == 0 or time.monotonic() < self._end:
            rounds += 1
            yield from self._random.sample(self._faults, len(self._faults))

    def _make(self, fault: Fault) -> None:
        happening = Happening(time.monotonic(), name=fault.name, effects=fault.effects)
        self.history.happenings.append(happening)
        try:
            with fault.happens(self._stage):
                self._pace.go_on(fault.lasts)
        except Unavailable as why:
            self.not_made[fault.name] = str(why)
        happening.until = time.monotonic()

    def summary(self) -> str:
        clients = self.clients
        classes = " ".join(f"{kind}={count}" for kind, count in sorted(clients.classes.items()))
        fetches = sum(len(domain.served) for domain in self.domains)
        return (
            f"soak: {self._seconds:g} s, {len(self.domains)} domains, "
            f"{self._pace.changes} changes, {clients.classes.total()} queries: {classes}; "
            f"{fetches} policies asked for, "
            f"{len(self.history.kills)} kills, slowest answer {clients.slowest:.1f} s; "
            f"faults, how often, and answers judged meanwhile: {self._faults_told()}; "
            f"{clients.excused} tempfail only because of a fault; "
            f"{len(self.violations)} violations"
        )

    def _faults_told(self) -> str:
        times, answers = collections.Counter(), collections.Counter()
        for happening in self.history.happenings:
            if happening.name not in self.not_made:
                times[happening.name] += 1
                answers[happening.name] += happening.answers
        return ", ".join(f"{name} {times[name]}/{answers[name]}" for name in sorted(times))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--domains", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--folder", type=pathlib.Path, help="kept; default: one that is removed")
    parser.add_argument("--only", type=lambda text: text.split(","), help="of soak_faults.py")
    parser.add_argument("--crowd", type=int, default=120, help="policies that are wanted at once")
    parser.add_argument("--calm", type=float, help="seconds between two faults")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or pathlib.Path(temporary)
        try:
            soak = Soak(folder, options)
        except Unavailable as why:
            print(f"SOAK NOT RUN: {why}", file=sys.stderr)
            return 77
        print(f"seed {options.seed}", flush=True)
        soak.run()
    for violation in soak.violations[:SHOWN]:
        print(violation)
    for name, why in soak.not_made.items():
        print(f"NOT MADE: {name}: {why}")
    print(soak.summary())
    return 1 if soak.violations else 0


if __name__ == "__main__":
    sys.exit(main())
