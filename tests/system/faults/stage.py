# stage.py: one fault from beginning to end: the daemon is well, the fault is made and ended, the
# daemon must become well again, and what it had saved must be there and of use
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import json
import pathlib
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from daemon import Daemon
from own_clock import OwnClock
from resources import patience
from world import World
from world.processes import run as run_command

from .asking import ENFORCED, KNOWN, NO_ANSWER, STS, Asking, Sample, summary

# In the file, and not only in the daemon's memory. SQLite resolves links, so it must be run where
# the file system is mounted.
READ_STORE = """
import json, sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=20)
rows = [*db.execute("SELECT 'sts', domain, hex(body) FROM sts WHERE length(body) > 0"),
        *db.execute("SELECT 'nexthop', nexthop, dane FROM nexthop"),
        *db.execute("SELECT 'history', nexthop, at, kind, after FROM history")]
(sound,) = db.execute("PRAGMA integrity_check").fetchone()
print(json.dumps([sound, rows]))
"""
# Else libunbound makes names up from a wildcard's NSEC records that it has seen (RFC 8198), and
# nobody is asked.
UNBOUND_CONF = "server:\n    aggressive-nsec: no\n"

REPAIRED = 900  # seconds: failures in a row are retried more and more seldom
MOST_REPAIRED = 20  # domains are waited for

# Never, whatever happens: weaker than what the domain has promised and we have seen, or can see. By
# the right answer; a policy that was never fetched promises nothing yet.
TOO_WEAK = {
    "dane.example": {"may"}, STS: {"may", "dane"}, "sts-dane.example": {"may", "dane"},
    "implicit-plain.example": set(),
}


@dataclass
class Stage:
    world: World
    daemon: Daemon
    folder: pathlib.Path
    notes: list[str] = field(default_factory=list)  # what else happened
    enter: list[str] = field(default_factory=list)  # before a command that sees the state
    clock: OwnClock | None = None
    patient: bool = False  # whether it waits for what was told meanwhile to be put right

    def saved(self) -> set[tuple] | None:
        """What is in the daemon's file; None: it cannot be read."""
        path = self.folder / "state" / "postseal.db"
        read = run_command([*self.enter, sys.executable, "-c", READ_STORE, str(path)])
        if read.returncode != 0:
            return None
        sound, rows = json.loads(read.stdout)
        return {tuple(row) for row in rows} if sound == "ok" else None


@dataclass(frozen=True)
class Fault:
    name: str
    what: str  # in the table
    happens: Callable[[Stage], AbstractContextManager]  # from its beginning to its end
    lasts: float = 0  # seconds, at least, from the beginning to the end
    momentary: bool = False  # what it did is to be repaired: recovery is counted from the beginning
    heals_within: float = 60  # seconds, on a machine of one's own
    kinds: tuple[str, ...] = ("known", "connecting", "new")
    unharmed: tuple[str, ...] = ()  # kinds of question that are answered right all the time
    loses: bool = False  # what was saved, by its nature
    # Before the daemon starts.
    prepare: Callable[[Stage], AbstractContextManager] = lambda _: contextlib.nullcontext()


@dataclass(frozen=True)
class Outcome:
    fault: Fault
    meanwhile: list[Sample]  # asked between beginning and end
    took: float  # seconds from the beginning to the end
    recovery: float  # seconds from the end, or the beginning, until all was right
    repaired: float | None  # seconds from there until what was told meanwhile was put right, too
    notes: list[str]

    def effect(self) -> str:
        return "; ".join(filter(None, [summary(self.meanwhile), *self.notes]))


def run(fault: Fault, stage: Stage) -> Outcome:
    """AssertionError: it is not as it must be. Unavailable: this machine cannot make that fault."""
    daemon = stage.daemon
    conf = stage.folder / "unbound.conf"
    conf.write_text(UNBOUND_CONF, encoding="ascii")
    daemon.settings["dns"]["unbound_conf"] = str(conf)
    daemon.write_configuration(daemon.settings)
    with fault.prepare(stage):
        daemon.start()
        with Asking(daemon.connect, fault.kinds) as asking:
            asking.wait_until_well(time.monotonic(), patience(30))
            before = _wait_until_saved(stage)
            begun = time.monotonic()
            with fault.happens(stage):
                if fault.lasts:
                    time.sleep(fault.lasts)
                    asking.wait_for_each_kind(begun)
            ended = time.monotonic()
            since = begun if fault.momentary else ended
            recovery = asking.wait_until_well(since, patience(fault.heals_within))
            meanwhile = asking.asked_since(begun, since + recovery if fault.momentary else ended)
        repaired = _wait_until_repaired(stage, meanwhile, since) if stage.patient else None
        outcome = Outcome(fault, meanwhile, ended - begun, recovery, repaired, stage.notes)
        _check_answers(fault, outcome)
        _check_store(fault, stage, before)
    return outcome


def _wait_until_saved(stage: Stage) -> set[tuple]:
    wanted = {("nexthop", key) for key in KNOWN} | {("sts", STS)}
    end = time.monotonic() + patience(30)
    while True:
        found = stage.saved()
        if found and wanted <= {row[:2] for row in found}:
            return found
        assert time.monotonic() < end, "it saves nothing"
        time.sleep(0.1)


def _wait_until_repaired(stage: Stage, meanwhile: list[Sample], since: float) -> float | None:
    """What was decided without what could not be looked up. None: there was nothing of it."""
    wrong = [s for s in meanwhile if not s.is_right and s.reply != NO_ANSWER]
    if not wrong:
        return None
    end = time.monotonic() + patience(REPAIRED)
    for sample in wrong[-MOST_REPAIRED:]:
        while stage.daemon.ask(sample.key) != sample.right:
            assert time.monotonic() < end, f"{sample.key} is not put right"
            time.sleep(0.5)
    return time.monotonic() - since


def _check_answers(fault: Fault, outcome: Outcome) -> None:
    weak = [s for s in outcome.meanwhile
            if s.told in TOO_WEAK.get(s.key, {"may"} if s.kind == "new" else set())]
    assert weak == [], weak[:3]
    harmed = [s for s in outcome.meanwhile if s.kind in fault.unharmed and not s.is_right]
    assert harmed == [], harmed[:3]


def _check_store(fault: Fault, stage: Stage, before: set[tuple]) -> None:
    """All that had been saved is there, and the next process uses it."""
    daemon = stage.daemon
    daemon.stop()
    if fault.loses:  # which the next process mends, if this one did not notice
        daemon.start()
        assert daemon.ask(STS) == ENFORCED
        daemon.stop()
    after = stage.saved()
    assert after is not None, "the file is damaged"
    if not fault.loses:
        assert before - after == set()
    asked = stage.world.policy_server.requests[STS]
    daemon.start()
    assert daemon.ask(STS) == ENFORCED
    assert stage.world.policy_server.requests[STS] == asked, "the policy was not in the store"
    daemon.stop()
