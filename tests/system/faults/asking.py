# asking.py: clients that ask all the time, and what they were told
#
# Four kinds of question: `known` is in the daemon's memory and asked on one connection;
# `connecting` is the same, each on a connection of its own; `new` was never asked before and is in
# DNS; a `policy` was never asked before, either, and has MTA-STS. There are few of these, so nobody
# asks for them unless told to.
# Times are of time.monotonic(), in seconds.
# SPDX-License-Identifier: BSD-3-Clause
import collections
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import table
from resources import patience
from socketmap import Closed, Connection

STS = "sts-one.example"
ENFORCED = f"OK secure match=mx.{STS} servername=hostname"
KNOWN = {
    "dane.example": "OK dane-only",
    STS: ENFORCED,
    "sts-dane.example": "OK dane-only",
    "implicit-plain.example": "NOTFOUND ",
}
NEW = "OK dane-only"
WELL = 5  # right answers in a row, of each kind
NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Sample:
    kind: str
    key: str
    right: str
    reply: str  # or NO_ANSWER
    asked: float
    got: float

    @property
    def is_right(self) -> bool:
        return self.reply == self.right

    @property
    def told(self) -> str:
        """The reply in a word."""
        if self.reply == NO_ANSWER:
            return NO_ANSWER
        word, _, rest = self.reply.partition(" ")
        return {"OK": rest.partition(" ")[0], "NOTFOUND": "may"}.get(word, "tempfail")


@dataclass(frozen=True)
class Kind:
    threads: int
    pause: float  # between two questions of a thread
    apart: bool = False  # each on a connection of its own


KINDS = {
    "known": Kind(1, 0.02),
    "connecting": Kind(1, 0.1, apart=True),
    "new": Kind(4, 0.3),
    "policy": Kind(1, 0.5),
}


def strangers() -> Iterator[tuple[str, str]]:
    """Domains with a policy, and the reply to each."""
    for line in table.read():
        domain = line.key.endswith(".example") and line.key.count(".") == 1
        if domain and line.legacy.startswith("secure ") and line.key != STS:
            yield line.key, f"OK {line.legacy}"


class Asking:
    def __init__(self, connect: Callable[[], Connection], kinds: tuple[str, ...]) -> None:
        self._connect = connect
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._samples: dict[str, list[Sample]] = {kind: [] for kind in kinds}
        self._threads = [threading.Thread(target=self._run, args=(kind, questions))
                         for kind in kinds for questions in _questions(kind)]

    def __enter__(self) -> "Asking":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def asked_since(self, since: float, until: float = float("inf")) -> list[Sample]:
        """Those that are answered, in the order in which they were asked."""
        with self._lock:
            samples = [s for kind in self._samples.values() for s in kind
                       if since <= s.asked < until]
        return sorted(samples, key=lambda sample: sample.asked)

    def wait_for_each_kind(self, since: float) -> None:
        """An answer at least, or none in its time."""
        end = time.monotonic() + patience(60)
        while {s.kind for s in self.asked_since(since)} != self._samples.keys():
            assert time.monotonic() < end, "questions hang"
            time.sleep(0.05)

    def wait_until_well(self, since: float, limit: float) -> float:
        """Seconds from `since` until all was right and stayed so; AssertionError after `limit`."""
        end = time.monotonic() + limit
        while (well := self._well_at(since)) is None:
            assert time.monotonic() < end, (
                f"not well after {limit:.0f} s: {summary(self.asked_since(since))}; "
                f"last wrong: {[s for s in self.asked_since(since) if not s.is_right][-3:]}")
            time.sleep(0.05)
        return max(0.0, well - since)

    def _well_at(self, since: float) -> float | None:
        moments = []
        samples = self.asked_since(since)
        for kind in self._samples:
            right = [*itertools.takewhile(
                lambda sample: sample.is_right, (s for s in reversed(samples) if s.kind == kind))]
            if len(right) < WELL:
                return None
            moments.append(right[-1].got)
        return max(moments)

    def _run(self, kind: str, questions: Iterator[tuple[str, str]]) -> None:
        connection = None
        how = KINDS[kind]
        for key, right in questions:
            if self._over.wait(how.pause):
                break
            asked = time.monotonic()
            try:
                connection = connection or self._connect()
                reply = connection.ask("postfix", key)
            except (Closed, OSError):
                reply = NO_ANSWER
            sample = Sample(kind, key, right, reply, asked, time.monotonic())
            with self._lock:
                self._samples[kind].append(sample)
            if connection and (how.apart or reply == NO_ANSWER):
                connection.close()
                connection = None
        if connection:
            connection.close()


def _questions(kind: str) -> list[Iterator[tuple[str, str]]]:
    """For each thread."""
    if kind == "policy":
        return [strangers()]
    if kind == "new":
        return [((f"n{n}-{thread}.new.example", NEW) for n in itertools.count())
                for thread in range(KINDS[kind].threads)]
    return [itertools.cycle(KNOWN.items())]


def summary(samples: list[Sample]) -> str:
    """What was told, by kind: "known: 300 right; new: 2 right, 20 dane"."""
    parts = []
    for kind in KINDS:
        of_kind = [s for s in samples if s.kind == kind]
        if not of_kind:
            continue
        right = sum(s.is_right for s in of_kind)
        wrong = collections.Counter(s.told for s in of_kind if not s.is_right)
        told = [f"{right} right"] * (right > 0) + [f"{n} {word}" for word, n in wrong.items()]
        slowest = max(s.got - s.asked for s in of_kind)
        parts.append(f"{kind}: {', '.join(told)}, slowest {slowest:.1g} s"
                     if slowest < 1 else f"{kind}: {', '.join(told)}, slowest {slowest:.1f} s")
    return "; ".join(parts)
