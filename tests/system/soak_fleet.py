#!/usr/bin/python3
# soak_fleet.py: two nodes of a fleet among domains that change all the time; one of them is broken
# in one way after another, and every answer of both is judged
#
#     POSTSEAL_BUILD=../../build-debug soak_fleet.py [--seed N] [--folder DIR] [--only WAY,...]
#
# The model of the sound node (soak_model.py) knows nothing of the other's troubles: what a broken
# node shares must not change an answer. Each way to be broken has domains of its own, with
# policies, of which the broken node is asked first. Ends as soak.py does.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import contextlib
import pathlib
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from daemon import preloaded
from fleet import Fleet, Node, spoof
from own_clock import SYNCHRONISED, OwnClock
from shared_server import Missing, Server
from soak_chance import Chance
from soak_clients import Clients
from soak_history import Effect, Happening, History, Kill
from soak_pace import Pace
from soak_stage import SETTINGS, other_anchor
from world import addresses, processes
from world.changing import Changing, ChangingWorld, Dns, Policy
from world.netns import Unavailable

CHANGING = 60  # domains of which both are asked all the time
NEW = 20  # domains for each way to be broken
ALONE = 5.0  # seconds for which the broken node alone is asked of those
TOGETHER = 5.0
CALM = 1.0
CLIENTS = 4  # of each node
SHOWN = 20


@dataclass(frozen=True)
class Broken:
    name: str
    happens: Callable[["FleetNode"], AbstractContextManager]  # around a start
    reason: str  # what of it the node itself may show
    effects: frozenset[Effect]
    awaits: str = ""  # what the daemon does wrong still: made by --only


class FleetNode(Node):
    """Whose clock can be wrong."""

    def __init__(self, world: ChangingWorld, folder: pathlib.Path) -> None:
        super().__init__(world, folder)
        self.world = world
        self.clock = OwnClock(folder / "clock")
        self.enter_command = [*self.machine.enter_command,
                              *preloaded(self.clock.library, self.clock.variable, SYNCHRONISED)]
        for name, section in SETTINGS.items():
            self.settings.setdefault(name, {}).update(section)
        self.write_configuration(self.settings)
        self.history = History()

    @contextlib.contextmanager
    def configured(self, **settings: dict):
        self.write_configuration(self.with_settings(**settings))
        try:
            yield
        finally:
            self.write_configuration(self.settings)


def wrong_ca_file(node: FleetNode):
    return node.configured(https={"ca_file": str(node.world.other_ca_file)})


def wrong_anchor(node: FleetNode):
    return node.configured(dns={"trust_anchor": [str(other_anchor(node.folder))]})


@contextlib.contextmanager
def spoofed(node: FleetNode):
    """The unsigned ones, that is."""
    victims = [d.name for d in node.world.domains.values() if not d.signed]
    for address in addresses.NAME_SERVERS:
        node.machine.capture(address)
    liar = spoof(node, *victims)
    try:
        yield
    finally:
        processes.stop(liar)
        for address in addresses.NAME_SERVERS:
            node.machine.release(address)


def wrong_clock(days: int):
    @contextlib.contextmanager
    def happens(node: FleetNode):
        node.clock.set(timedelta(days))
        try:
            yield
        finally:
            node.clock.set(timedelta())
    return happens


_FETCHES, _LOOKUPS, _CLOCK = Effect.FETCHES_FAIL, Effect.LOOKUPS_FAIL, Effect.CLOCK_WRONG
WAYS = {way.name: way for way in (
    Broken("wrong-ca-file", wrong_ca_file, "no policy can be fetched", frozenset({_FETCHES})),
    Broken("wrong-anchor", wrong_anchor, "nothing can be validated",
           frozenset({_FETCHES, _LOOKUPS}), "item 8"),
    Broken("spoofed-dns", spoofed, "lies about unsigned domains are believed, as far as nothing is"
           " remembered of them", frozenset({_FETCHES, _LOOKUPS, Effect.LIED_TO})),
    Broken("clock-400-days-ahead", wrong_clock(400), "signatures and certificates have ended",
           frozenset({_FETCHES, _LOOKUPS, _CLOCK}), "item 8"),
    Broken("clock-8-days-ahead", wrong_clock(8), "policies seem to have ended",
           frozenset({_CLOCK}), "item 5"),
)}


class FleetSoak:
    def __init__(self, folder: pathlib.Path, seed: int, ways: list[str], server: Server) -> None:
        self._random = random.Random(seed)
        self._ways = self._random.sample([WAYS[name] for name in ways], len(ways))
        chance = Chance(seed)
        domains = chance.domains(CHANGING + NEW * len(ways))
        self.base, rest = domains[:CHANGING], domains[CHANGING:]
        self._new = [rest[n:n + NEW] for n in range(0, len(rest), NEW)]
        for number, domain in enumerate(rest):
            domain.dns = Dns(tlsa="NN", sts_id=f"new{number}")
            domain.policy = Policy(10**6 + number)
        self._world = ChangingWorld(folder / "world", domains)
        self._server = server
        names = iter(("sound", "broken"))
        self._made: list[FleetNode] = []
        self._new_node = lambda: FleetNode(self._world, folder / next(names))
        self._pace = Pace(self._world, chance, self.base, self._check)
        self._seed = seed
        self.clients: list[Clients] = []

    def run(self) -> None:
        with self._world, contextlib.ExitStack() as stack:
            fleet = Fleet(self._server, self._new_node, 2)
            for node in fleet.nodes:
                stack.callback(node.end)
            fleet.start()
            self.sound, self.broken = fleet.nodes
            for node in fleet.nodes:
                clients = Clients(node.connect, self.base[:], node.history, self._seed, CLIENTS,
                                  node.machine.addresses)
                self.clients.append(stack.enter_context(clients))
            self._pace.go_on(5)
            for way, domains in zip(self._ways, self._new):
                self._break(way, domains)
                self._pace.go_on(CALM)

    def _break(self, way: Broken, domains: list[Changing]) -> None:
        of_sound, of_broken = self.clients
        happening = Happening(time.monotonic(), name=way.name, effects=way.effects)
        self.broken.history.happenings.append(happening)
        # The sound one answers meanwhile; nothing of it is expected of the model.
        beside = Happening(time.monotonic(), name=way.name)
        self.sound.history.happenings.append(beside)
        self._stop()
        with way.happens(self.broken):
            self.broken.start()
            of_broken.domains.extend(domains)
            self._pace.go_on(ALONE)
            of_sound.domains.extend(domains)
            self._pace.go_on(TOGETHER)
            self._stop()
        self.broken.start()
        happening.until = beside.until = time.monotonic()

    def _stop(self) -> None:
        stop = Kill(time.monotonic())
        self.broken.history.kills.append(stop)
        self.broken.stop()
        stop.until = time.monotonic()

    def _check(self) -> None:
        for clients in self.clients:
            for fault in clients.faults[:1]:
                raise fault

    @property
    def violations(self) -> list[str]:
        return [f"{node}: {violation}" for node, clients in zip(("sound", "broken"), self.clients)
                for violation in clients.violations]

    def summary(self) -> str:
        ways = ", ".join(
            f"{a.name} {a.answers}/{b.answers}" for a, b in
            zip((h for h in self.sound.history.happenings if h.name in WAYS),
                (h for h in self.broken.history.happenings if h.name in WAYS)))
        queries = " and ".join(str(clients.classes.total()) for clients in self.clients)
        return (f"soak of a fleet: {self._pace.changes} changes, {queries} queries of the sound and"
                f" the broken node; broken how, and answers judged meanwhile: {ways}; "
                f"{len(self.violations)} violations")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--folder", type=pathlib.Path, help="kept; default: one that is removed")
    parser.add_argument("--only", type=lambda text: text.split(","),
                        default=[way.name for way in WAYS.values() if not way.awaits])
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        folder = options.folder or pathlib.Path(temporary)
        try:
            soak = FleetSoak(folder, options.seed, options.only, server := Server())
            stack.enter_context(server)
            soak.run()
        except (Missing, Unavailable) as why:
            print(f"SOAK NOT RUN: {why}", file=sys.stderr)
            return 77
    for violation in soak.violations[:SHOWN]:
        print(violation)
    print(soak.summary())
    return 1 if soak.violations else 0


if __name__ == "__main__":
    sys.exit(main())
