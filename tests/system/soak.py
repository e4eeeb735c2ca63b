#!/usr/bin/python3
# soak.py: postseald among domains that change all the time, every answer judged
#
#     POSTSEAL_BUILD=../../build-debug soak.py [--seconds N] [--domains N] [--seed N] [--folder DIR]
#
# Real name servers and a real policy server, in a network namespace of its own; several clients ask
# by socketmap without a pause. Meanwhile the daemon is killed and started again, the policy host
# and the name server go away for some seconds. What a right answer is: soak_model.py.
# Ends with a line of numbers; status 0 if no answer was wrong, 1 if one was, 77 if this machine
# cannot run it.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import collections
import contextlib
import pathlib
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

from daemon import Daemon
from soak_model import History, Interval, Model, Verdict
from socketmap import Closed, request
from world.changing import Changing, ChangingWorld, Dns, Policy
from world.netns import Unavailable

CLIENTS = 12
PORT = 8461
CHANGES_A_SECOND = 25
DNS_TIMEOUT = "3s"  # well before the name server is back
SHOWN = 20  # violations told in full
SECURE = re.compile(r"OK secure match=mx\.(\S+):v(\d+)\.\1 servername=hostname")


class Chance:
    """What the domains do next. The last digit of a domain's number is its temper."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._versions = 0
        self._ids = 0

    def domains(self, count: int) -> list[Changing]:
        made = []
        for number in range(count):
            signed = number % 10 != 6
            domain = Changing(f"d{number:03}.example", signed, Dns(), Policy(0, status=404))
            domain.dns, domain.policy = self.next_state(domain)
            made.append(domain)
        return made

    def some(self, domains: list[Changing], count: int) -> list[Changing]:
        return self._random.sample(domains, count)

    def next_state(self, domain: Changing) -> tuple[Dns, Policy]:
        temper = int(domain.name[3])
        sts_id, policy = self._sts(domain, temper)
        hosts = self._random.choice((1, 2))
        return Dns(self._mx(temper), hosts, self._tlsa(temper), sts_id), policy

    def _mx(self, temper: int) -> str:
        if temper == 8 and self._random.random() < 0.2:
            return "null"
        if temper == 9 and self._random.random() < 0.2:
            return "bogus"
        return "plain"

    def _tlsa(self, temper: int) -> str:
        # 0, 1: DANE always; 2, 3, 7: never.
        letters = {0: "UUX", 1: "U", 2: "N", 3: "N", 7: "N", 9: "UNF"}.get(temper, "UXN")
        return "".join(self._random.choice(letters) for _ in range(2))

    def _sts(self, domain: Changing, temper: int) -> tuple[str | None, Policy]:
        die = self._random.random()
        if die < 0.2:  # the record goes, the policy host with it or not
            gone = Policy(0, status=self._random.choice((404, 503)))
            return None, self._random.choice((gone, domain.policy))
        if die < 0.3:  # the record stays and the policy host fails
            return domain.dns.sts_id, Policy(0, status=404)
        if die < 0.4 and domain.policy.status == 200:  # DNS only
            return domain.dns.sts_id, domain.policy
        policy = self._policy(temper)
        if die < 0.5:  # a new policy, and the record does not tell
            return domain.dns.sts_id, policy
        self._ids += 1
        return f"id{self._ids}", policy

    def _policy(self, temper: int) -> Policy:
        self._versions += 1
        short = temper == 7 or self._random.random() < 0.2
        max_age = self._random.choice((5, 9, 14, 20)) if short else 604800
        mode = self._random.choice(("enforce",) * 6 + ("testing", "none"))
        return Policy(self._versions, mode, max_age)


def verdict_of(domain: Changing, reply: str) -> Verdict | None:
    """None: not a reply that can be right."""
    if reply in ("NOTFOUND ", "OK dane", "OK dane-only"):
        return Verdict("may" if reply == "NOTFOUND " else reply.removeprefix("OK "))
    if reply.startswith("TEMP ") and reply.isprintable() and 5 < len(reply) <= 205:
        return Verdict("tempfail")
    found = SECURE.fullmatch(reply)
    return Verdict("secure", int(found[2])) if found and found[1] == domain.name else None


class Clients:
    """They ask and judge; each in a thread of its own, with a connection of its own."""

    def __init__(self, daemon: Daemon, domains: list[Changing], model: Model, seed: int) -> None:
        self._daemon = daemon
        self._domains = domains
        self._model = model
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.classes: collections.Counter[str] = collections.Counter()
        self.slowest = 0.0
        self.violations: list[str] = []
        self.faults: list[BaseException] = []
        self._threads = [threading.Thread(target=self._guarded) for _ in range(CLIENTS)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as fault:  # told by the main thread
            self.faults.append(fault)

    def _run(self) -> None:
        connection = None
        while not self._over.is_set():
            try:
                connection = connection or self._daemon.connect()
                self._ask(connection, self._random.choices(self._domains, k=8))
            except (Closed, ConnectionError):  # the daemon was killed
                if connection:
                    connection.close()
                connection = None
            self._over.wait(0.1)
        if connection:
            connection.close()

    def _ask(self, connection, domains: list[Changing]) -> None:
        asked = time.monotonic()
        connection.send(b"".join(request("postfix", domain.name) for domain in domains))
        for domain in domains:
            reply = connection.receive()
            self._judge(domain, reply, asked, time.monotonic())

    def _judge(self, domain: Changing, reply: str, asked: float, got: float) -> None:
        verdict = verdict_of(domain, reply)
        with self._lock:
            allowed = self._model.allowed(domain, asked, got)
            self.classes[verdict.kind if verdict else "unknown"] += 1
            self.slowest = max(self.slowest, got - asked)
            if verdict not in allowed:
                self.violations.append(_told(domain, reply, allowed, asked, got))


def _told(domain: Changing, reply: str, allowed: set[Verdict], asked: float, got: float) -> str:
    lines = [f"{domain.name} asked at {asked:.2f}, got at {got:.2f}: {reply!r}",
             f"  allowed: {sorted(allowed, key=str)}"]
    lines += [f"  in DNS {s.since:.2f} to {s.until:.2f}: {s.dns}" for s in domain.seen[-6:]]
    lines += [f"  offered from {since:.2f}: {policy}" for since, policy in domain.offered[-6:]]
    lines += [f"  fetched {s.at:.2f} to {s.done:.2f}: {s.policy}" for s in domain.served[-6:]]
    return "\n".join(lines)


class Soak:
    def __init__(self, folder: pathlib.Path, count: int, seconds: float, seed: int) -> None:
        self._chance = Chance(seed)
        self.domains = self._chance.domains(count)
        self._world = ChangingWorld(folder / "world", self.domains)
        self._seconds = seconds
        self._daemon = Daemon(
            self._world, folder / "daemon", PORT,
            dns={"timeout": DNS_TIMEOUT}, log={"level": "info"},
        )
        self.history = History()
        self.clients = Clients(self._daemon, self.domains, Model(self.history), seed)
        self.changes = 0

    def run(self) -> None:
        with self._world, self._daemon, self.clients:
            begin = time.monotonic()
            events = collections.deque(self._events())
            while (now := time.monotonic() - begin) < self._seconds and not self.clients.faults:
                if events and now >= events[0][0]:
                    events.popleft()[1]()
                self._change()
                # At a steady rate: what a batch took is part of the second.
                rest = begin + now + 0.5 - time.monotonic()
                time.sleep(max(0.0, rest))
            assert not events or self.clients.faults, "too slow: not all has happened"

    def _events(self):
        """What happens when. The daemon that starts without DNS has only its store to go by; the
        long time after that is for evidence that has outlived its time."""
        whole = self._seconds
        away = min(10.0, 0.3 * whole)
        first = 2 + 0.03 * whole
        yield first, self._kill
        yield first + 2, self._dns_goes
        yield first + 2, self._kill
        yield first + 2 + away, self._dns_comes
        yield 0.60 * whole, self._policy_host_goes
        yield 0.60 * whole + away / 2, self._policy_host_comes
        yield 0.95 * whole, self._kill

    def _change(self) -> None:
        if self.history.dns_down and self.history.dns_down[-1].until == float("inf"):
            return  # nobody could see it
        changing = self._chance.some(self.domains, CHANGES_A_SECOND // 2)
        self._world.change([(d, *self._chance.next_state(d)) for d in changing])
        self.changes += len(changing)

    def _kill(self) -> None:
        kill = Interval(time.monotonic())
        self.history.kills.append(kill)
        self._daemon.kill()
        kill.until = time.monotonic()
        self._check_store()
        self._daemon.start()

    def _check_store(self) -> None:
        """As the kill left it: of a copy, for to look at it is to mend it."""
        state = self._daemon.folder / "state"
        with tempfile.TemporaryDirectory() as copies:
            for part in state.glob("postseal.db*"):
                shutil.copy(part, copies)
            with contextlib.closing(sqlite3.connect(f"{copies}/postseal.db")) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    def _policy_host_goes(self) -> None:
        self.history.host_down.append(Interval(time.monotonic()))
        self._world.policy_server.stop()

    def _policy_host_comes(self) -> None:
        self._world.policy_server.start()
        self.history.host_down[-1].until = time.monotonic()

    def _dns_goes(self) -> None:
        self.history.dns_down.append(Interval(time.monotonic()))
        self._world.zone_server.stop()

    def _dns_comes(self) -> None:
        self._world.zone_server.start()
        self._world.zone_server.wait_until_ready()
        self.history.dns_down[-1].until = time.monotonic()

    def summary(self) -> str:
        clients = self.clients
        classes = " ".join(f"{kind}={count}" for kind, count in sorted(clients.classes.items()))
        fetches = sum(len(domain.served) for domain in self.domains)
        return (
            f"soak: {self._seconds:g} s, {len(self.domains)} domains, {self.changes} changes, "
            f"{clients.classes.total()} queries: {classes}; {fetches} policies asked for, "
            f"{len(self.history.kills)} kills, slowest answer {clients.slowest:.1f} s; "
            f"{len(clients.violations)} violations"
        )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--domains", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--folder", type=pathlib.Path, help="kept; default: one that is removed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or pathlib.Path(temporary)
        try:
            soak = Soak(folder, options.domains, options.seconds, options.seed)
        except Unavailable as why:
            print(f"SOAK NOT RUN: {why}", file=sys.stderr)
            return 77
        print(f"seed {options.seed}", flush=True)
        soak.run()
    for fault in soak.clients.faults[:1]:
        raise fault
    for violation in soak.clients.violations[:SHOWN]:
        print(violation)
    print(soak.summary())
    return 1 if soak.clients.violations else 0


if __name__ == "__main__":
    sys.exit(main())
