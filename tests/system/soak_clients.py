# soak_clients.py: clients that ask without a pause; each answer is judged by soak_model.py
#
# Not before whoever asked earlier has an answer, too: one that comes late shows that the machine was
# busy, and may have joined the same lookup as one that came at once.
# SPDX-License-Identifier: BSD-3-Clause
import collections
import random
import re
import threading
import time
from collections.abc import Callable

from soak_history import Effect, Happening, History
from soak_model import BUSY, DEADLINE, SLOW, Model, Verdict
from socketmap import Closed, Connection, request
from world.changing import Changing

CLIENTS = 12
TOGETHER = 8  # questions in a packet
BUSY_EFFECTS = frozenset({Effect.LOOKUPS_FAIL})
SECURE = re.compile(r"OK secure match=mx\.(\S+):v(\d+)\.\1 servername=hostname")


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

    def __init__(self, connect: Callable[[], Connection], domains: list[Changing],
                 history: History, seed: int, count: int = CLIENTS,
                 addresses: tuple[str, ...] = ()) -> None:
        """`domains` may grow; `addresses`: see Model."""
        self._connect = connect
        self.domains = domains
        self._history = history
        self._model = Model(history, addresses)
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._unjudged: collections.deque[tuple[Changing, str, float, float]] = collections.deque()
        self.classes: collections.Counter[str] = collections.Counter()
        self.slowest = 0.0
        self.excused = 0  # tempfail that is right because of a fault only
        self._shown: list[str] = []  # the first of each domain
        self._violations_of: collections.Counter[str] = collections.Counter()
        self.faults: list[BaseException] = []
        self._threads = [threading.Thread(target=self._guarded) for _ in range(count)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._judge_until(float("inf"))

    @property
    def violations(self) -> list[str]:
        """Of each domain the first in full."""
        more = [f"{name}: {count - 1} more" for name, count in self._violations_of.items()
                if count > 1]
        return [*self._shown, *more]

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as fault:  # told by the main thread
            self.faults.append(fault)

    def _run(self) -> None:
        connection = None
        while not self._over.is_set():
            try:
                connection = connection or self._connect()
                self._ask(connection, self._random.choices(self.domains, k=TOGETHER))
            except (Closed, ConnectionError, FileNotFoundError):  # it was killed
                if connection:
                    connection.close()
                connection = None
            self._over.wait(0.1)
        if connection:
            connection.close()

    def _ask(self, connection, domains: list[Changing]) -> None:
        asked = time.monotonic()
        connection.send(b"".join(request("postfix", domain.name) for domain in domains))
        late = False  # replies come in order: what follows waits for the one that is late
        for domain in domains:
            reply = connection.receive()
            got = time.monotonic()
            with self._lock:
                if not late and self._model.is_busy(domain, asked, got):
                    self._note_busy(asked, got)
                late = late or got - asked > SLOW
                self._unjudged.append((domain, reply, asked, got))
        with self._lock:
            self._judge_until(asked - DEADLINE)

    def _judge_until(self, time_: float) -> None:
        """All that came before it."""
        while self._unjudged and self._unjudged[0][3] < time_:
            self._judge(*self._unjudged.popleft())

    def _judge(self, domain: Changing, reply: str, asked: float, got: float) -> None:
        verdict = verdict_of(domain, reply)
        allowed = self._model.allowed(domain, asked, got)
        excused = self._model.excused(domain, asked, got) - allowed
        self.classes[verdict.kind if verdict else "unknown"] += 1
        self.slowest = max(self.slowest, got - asked)
        happenings = self._history.at(got)
        for happening in happenings:
            happening.answers += 1
            happening.excused += verdict in excused
        self.excused += verdict in excused
        if verdict not in allowed | excused:
            self._violations_of[domain.name] += 1
            if self._violations_of[domain.name] == 1:
                text = _report(domain, reply, allowed | excused, asked, got)
                self._shown.append("\n".join([text, *self._history.before(got)]))

    def _note_busy(self, asked: float, got: float) -> None:
        last = next((h for h in reversed(self._history.happenings) if h.name == BUSY), None)
        if last and last.touches(asked, got):
            last.since, last.until = min(last.since, asked), max(last.until, got)
        else:
            self._history.happenings.append(Happening(asked, got, BUSY, BUSY_EFFECTS))


def _report(domain: Changing, reply: str, allowed: set[Verdict], asked: float,
            got: float) -> str:
    lines = [f"{domain.name} asked at {asked:.2f}, got at {got:.2f}: {reply!r}",
             f"  allowed: {sorted(allowed, key=str)}"]
    lines += [f"  in DNS {s.since:.2f} to {s.until:.2f}: {s.dns}" for s in domain.seen[-6:]]
    lines += [f"  offered from {since:.2f}: {policy}" for since, policy in domain.offered[-6:]]
    lines += [f"  fetched {s.at:.2f} to {s.done:.2f}: {s.policy}" for s in domain.served[-6:]]
    return "\n".join(lines)
