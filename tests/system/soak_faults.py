# soak_faults.py: the faults that a soak makes: a table, each with its reason
#
# `happens` lasts from the fault's beginning to its end, and may kill the daemon and start it again;
# all runs on one thread (ptrace(2) wants it so). What the effects allow: soak_model.py.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from faults.thread import StoppedThread, threads
from resources import patience
from soak_history import Effect
from soak_stage import Stage, other_anchor

STORE_THREADS = "store"  # the beginning of their names
SQLITE_LOCKS = 0x40000000, 512  # the octets of the file that SQLite locks
DEADLINE = 10  # seconds: the daemon's


@dataclass(frozen=True)
class Fault:
    name: str
    happens: Callable[[Stage], AbstractContextManager]
    lasts: float  # seconds; the world goes on changing
    reason: str  # why the effects are what they are
    effects: frozenset[Effect] = frozenset()
    is_long: bool = False  # not in a run of a few minutes
    awaits: str = ""  # what the daemon does wrong still: made by --only


def _fault(name: str, happens, lasts: float, reason: str, *effects: Effect,
           is_long: bool = False) -> Fault:
    return Fault(name, happens, lasts, reason, frozenset(effects), is_long, AWAITS.get(name, ""))


# Where the daemon does not stand the fault yet, by items of issue 15.
AWAITS: dict[str, str] = {}


@contextlib.contextmanager
def restarted_within(stage: Stage, fault: AbstractContextManager) -> Iterator[None]:
    """The process knows nothing but what is stored when it meets the fault."""
    stage.kill()
    with fault:
        stage.start()
        yield


# --- The process -----------------------------------------------------------------------------

@contextlib.contextmanager
def killed(stage: Stage):
    stage.kill()
    stage.start()
    yield


@contextlib.contextmanager
def forgotten(stage: Stage):
    """While lookups of the same domains are in flight, which know what is stored: a fresh process
    is asked, and waits for DNS. The policies cannot be fetched again."""
    domains = stage.held()[:60]
    stage.pace.withdraw(domains)
    stage.kill()
    stage.world.zone_server.fall_silent()
    try:
        stage.start()
        time.sleep(1)
        stage.forget(domains)
    finally:
        stage.world.zone_server.speak_again()
    yield


# --- DNS and policy hosts --------------------------------------------------------------------

@contextlib.contextmanager
def dns_away(stage: Stage):
    """The daemon that starts now has only its store to go by."""
    stage.world.zone_server.stop()
    stage.pace.frozen = True
    try:
        stage.kill()
        stage.start()
        yield
    finally:
        stage.world.zone_server.start()
        stage.world.zone_server.wait_until_ready()
        stage.pace.frozen = False


@contextlib.contextmanager
def dns_hesitates(stage: Stage):
    for _ in range(4):
        stage.world.zone_server.fall_silent()
        time.sleep(1.2)
        stage.world.zone_server.speak_again()
        stage.pace.go_on(0.5)
    yield


@contextlib.contextmanager
def dns_hesitates_at_start(stage: Stage):
    """What is in force when a fresh process looks it up has ended when DNS has answered."""
    for _ in range(4):
        stage.kill()
        stage.world.zone_server.fall_silent()
        try:
            stage.start()
            time.sleep(1.2)
        finally:
            stage.world.zone_server.speak_again()
        stage.pace.go_on(1)
    yield


@contextlib.contextmanager
def policy_host_away(stage: Stage):
    stage.world.policy_server.stop()
    try:
        yield
    finally:
        stage.world.policy_server.start()


@contextlib.contextmanager
def policy_host_crowded(stage: Stage):
    """Many policies are wanted at once, of one host, which takes its time."""
    stage.world.policy_server.takes = 3
    try:
        stage.forget(stage.offering()[:stage.crowd])
        yield
    finally:
        stage.world.policy_server.takes = 0


@contextlib.contextmanager
def anchor_wrong(stage: Stage):
    with restarted_within(stage, stage.configured(
            dns={"trust_anchor": [str(other_anchor(stage.daemon.folder))]})):
        yield
    stage.kill()
    stage.start()


# --- The store -------------------------------------------------------------------------------

@contextlib.contextmanager
def store_stopped(stage: Stage):
    """All threads that read and write the file."""
    stage.kill()
    stage.start()
    stopped = [StoppedThread(stage.daemon.process.pid, tid) for tid in _store_threads(stage)]
    try:
        yield
    finally:
        for thread in stopped:
            thread.let_go()


def _store_threads(stage: Stage) -> list[int]:
    """It listens before they run."""
    end = time.monotonic() + patience(20)
    while True:
        all_threads = threads(stage.daemon.process.pid)
        found = [tid for tid, name in all_threads.items() if name.startswith(STORE_THREADS)]
        if found and "resolver" in all_threads.values():
            return found
        assert time.monotonic() < end, f"no thread of the store: {all_threads}"
        time.sleep(0.01)


def disk_slow(stage: Stage):
    return restarted_within(stage, stage.disk.slow(DEADLINE + 2))


@contextlib.contextmanager
def disk_full(stage: Stage):
    with stage.disk.full():
        yield


@contextlib.contextmanager
def started_without_policies(stage: Stage, fault: AbstractContextManager):
    """No policy can be fetched meanwhile: those that are stored must not be replaced by that."""
    with policy_host_away(stage), restarted_within(stage, fault):
        yield
    # Written now, and read by the next process.
    stage.pace.go_on(3)
    stage.kill()
    stage.start()


def disk_full_at_start(stage: Stage):
    return started_without_policies(stage, stage.disk.full())


@contextlib.contextmanager
def file_locked(stage: Stage):
    """By another process; SQLite's own way."""
    with open(stage.database, "r+b") as file:
        start, length = SQLITE_LOCKS
        fcntl.lockf(file, fcntl.LOCK_EX, length, start)
        yield


def locked_at_start(stage: Stage):
    return restarted_within(stage, file_locked(stage))


def unreadable_at_start(stage: Stage):
    return started_without_policies(stage, stage.disk.unreadable())


@contextlib.contextmanager
def one_read_fails(stage: Stage):
    """The disk says it once: the file is sound."""
    stage.kill()
    stage.start()
    with stage.disk.unreadable(1):
        yield
    stage.kill()
    stage.start()


# --- The clock -------------------------------------------------------------------------------

def clock_wrong_at_start(days: int):
    @contextlib.contextmanager
    def happens(stage: Stage):
        stage.kill()
        stage.clock.set(timedelta(days))
        try:
            stage.start()
            yield
        finally:
            stage.clock.set(timedelta())
        stage.pace.go_on(2)  # the same process, which sees the jump
        stage.kill()
        stage.start()
    return happens


@contextlib.contextmanager
def clock_back_and_forth(stage: Stage):
    for _ in range(3):
        stage.clock.set(timedelta(-8))
        stage.pace.go_on(1)
        stage.clock.set(timedelta())
        stage.pace.go_on(1)
    yield


@contextlib.contextmanager
def clock_ahead_until_restart(stage: Stage):
    """What is fetched has the times of a clock that the next process does not share."""
    stage.clock.set(timedelta(8))
    try:
        yield
        stage.kill()
    finally:
        stage.clock.set(timedelta())
    stage.start()


@contextlib.contextmanager
def fetches_fail_by_a_clock_ahead(stage: Stage):
    """When they are tried again is written by a clock that the next process does not share."""
    domains = stage.held()[:20]
    stage.kill()
    stage.clock.set(timedelta(hours=13))
    try:
        stage.pace.withdraw(domains)
        stage.start()
        yield
        stage.kill()
    finally:
        stage.clock.set(timedelta())
    stage.start()
    stage.check_retries(domains)


_READ, _WRITTEN = Effect.STORE_UNREAD, Effect.STORE_UNWRITTEN
_LOOKUPS, _FETCHES, _CLOCK = Effect.LOOKUPS_FAIL, Effect.FETCHES_FAIL, Effect.CLOCK_WRONG

FAULTS = {fault.name: fault for fault in (
    _fault("killed", killed, 0, "memory goes, and the last group commit; nothing else"),
    _fault("forgotten", forgotten, 2, "what a lookup in flight has read is not saved again; it is"
           " in flight because DNS is silent for some seconds", Effect.LOOKUPS_FAIL,
           Effect.LOOKUPS_WAIT),
    _fault("dns-away", dns_away, 9, "rows 4 and 5; what is stored decides; who was not"
           " asked has not said that there is no record", _LOOKUPS, Effect.LOOKUPS_WAIT),
    _fault("dns-hesitates", dns_hesitates, 0, "for less than the timeout: a lookup takes longer,"
           " and policies end while it lasts"),
    _fault("dns-hesitates-at-start", dns_hesitates_at_start, 0, "a policy that ends while its own"
           " lookup lasts is fetched again first"),
    _fault("policy-host-away", policy_host_away, 4, "a policy that is held stays in force",
           _FETCHES),
    _fault("policy-host-crowded", policy_host_crowded, 12, "waiting for a turn is not a failure of the other side, and no sign that there is no policy", Effect.FETCHES_WAIT),
    _fault("policy-host-crowded-for-long", policy_host_crowded, 36, "nor is a turn that does not"
           " come within the time for a fetch", Effect.FETCHES_WAIT, is_long=True),
    _fault("anchor-wrong", anchor_wrong, 5, "our own fault, and no judgement on domains: rows 4"
           " and 5, not 3", _LOOKUPS),
    _fault("store-stopped", store_stopped, DEADLINE + 2, "not read is not absent", _READ,
           _WRITTEN),
    _fault("disk-slow", disk_slow, DEADLINE + 1, "a read does not wait for a write", _WRITTEN),
    _fault("disk-full", disk_full, 3, "the file can be read, and answers go on from memory",
           _WRITTEN),
    _fault("disk-full-at-start", disk_full_at_start, 4, "the bytes are there, so they are read; a"
           " failed fetch does not replace them", _WRITTEN, _FETCHES),
    _fault("locked-at-start", locked_at_start, 4, "not read is not absent", _READ, _WRITTEN),
    _fault("unreadable-at-start", unreadable_at_start, 4, "not read is not absent, and is not"
           " replaced by a failed fetch", _READ, _WRITTEN, _FETCHES),
    _fault("one-read-fails", one_read_fails, 2, "the file is read again before it is given up",
           _READ, _WRITTEN),
    _fault("clock-400-days-ahead-at-start", clock_wrong_at_start(400), 4, "signatures and"
           " certificates have ended; no policy has", _LOOKUPS, _FETCHES, _CLOCK),
    _fault("clock-800-days-ahead-at-start", clock_wrong_at_start(800), 4, "rows are as old as what"
           " is pruned; the clock is not believed", _LOOKUPS, _FETCHES, _CLOCK),
    _fault("clock-8-days-ahead-at-start", clock_wrong_at_start(8), 3, "longer than policies live;"
           " signatures and certificates hold", _CLOCK),
    _fault("clock-ahead-until-restart", clock_ahead_until_restart, 2, "the life of a policy is not"
           " longer than its max_age", _CLOCK),
    _fault("fetches-fail-by-a-clock-ahead", fetches_fail_by_a_clock_ahead, 4, "they are tried again"
           " within an hour", _CLOCK),
    _fault("clock-back-and-forth", clock_back_and_forth, 0, "certificates are not valid yet; a"
           " policy lives its time, not longer", _FETCHES),
)}
