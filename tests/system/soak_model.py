# soak_model.py: which verdicts are right for a domain that changes, by the standards and not by
# our C++
#
# An answer is made of one evaluation: what DNS said at some time while its evidence may hold, the
# policy held then, and what was remembered. allowed() gives every verdict that some combination
# leads to; anything else is a violation: too weak, too strong, or too old.
# Answers are judged some time after they came: what happened after them is not counted.
# Times are of time.monotonic(), in seconds.
# SPDX-License-Identifier: BSD-3-Clause
import itertools
from dataclasses import dataclass

from soak_history import KILL_LOSES, Effect, History, Interval
from world.changing import Changing, Seen, Served

HOLDS = 60  # evidence with TTLs of a second (section 4 of the design: at least 60 s)
DEADLINE = 12  # an answer's, and something for the way
SLOW = 5  # seconds: a lookup may have run into its timeout (soak_stage.py)
AT_ONCE = 4  # an evaluation that nothing hinders ends within
FAILED_HOLDS = 45  # a failed lookup is retried after 30 s, a name server that was away later
BOGUS_CACHED = 30  # libunbound's val-bogus-ttl
FAILED_AGAIN = 130  # failures in a row: 30, 60 s and the like
UNREAD_HOLDS = 45  # a tempfail for want of the store is made anew within 30 s; and the way here
SHARED = 15  # seconds, until each node has what one has learnt
WAITS_ON = 45  # seconds after a rush for a policy host, until all have had their turn
FETCHED_WITHIN = 2  # seconds: from the beginning of a lookup to its fetch, if it need not wait
RENEWED = 6  # seconds: a policy that ends while it is fetched again is judged at its last moment
RENEWED_LATE = DEADLINE  # the same while lookups do not end: until the daemon's own deadline
EXPIRY = 1.5  # an answer made of a policy ends with it; the way here is added
BUSY = "busy-machine"  # what is_busy() says: nobody's fault, but lookups may have failed

# Section 3 of the design: the rows by number, with an enforced policy and without.
ROWS = {
    2: ("secure", "may"), 3: ("tempfail", "tempfail"), 4: ("secure", "may"),
    5: ("tempfail", "dane"), 6: ("dane-only", "dane-only"), 7: ("dane-only", "dane"),
    8: ("tempfail", "dane"), 9: ("secure", "dane"), 10: ("secure", "dane"),
    11: ("secure", "may"), 12: ("secure", "dane"), 13: ("secure", "may"),
}


def row(mx: str, hosts: str, remembered: str) -> int:
    """mx: null, bogus, failed, secure or insecure; hosts: U, X, N, F; remembered: dane, no-dane or
    nothing."""
    has = set(hosts)
    if mx in ("null", "bogus"):
        return 2 if mx == "null" else 3
    if mx == "failed":
        return 4 if remembered == "no-dane" else 5
    if mx == "insecure":
        return 13 if has == {"N"} else 12
    if has == {"U"}:
        return 6
    if "F" in has:
        return 7 if has == {"U", "F"} else 8
    if has == {"N"}:
        return 11
    return 10 if "N" in has else 9


@dataclass(frozen=True)
class Verdict:
    kind: str  # may, dane, dane-only, secure, tempfail
    version: int | None = None  # secure: the policy's


TEMPFAIL = Verdict("tempfail")


class Model:
    def __init__(self, history: History, addresses: tuple[str, ...] = ()) -> None:
        """`addresses`: those of a node of a fleet. What it did not fetch itself it may hold, or
        not. Default: there is no other."""
        self._history = history
        self._addresses = addresses
        self._answered: dict[str, float] = {}  # when first

    def allowed(self, domain: Changing, asked: float, got: float) -> set[Verdict]:
        """Without what excused() says."""
        slow = got - asked > SLOW
        # What is in memory is of the present process.
        # Evidence holds from the end of its lookup, which may have waited for a policy's turn.
        waited = self._touches(Effect.FETCHES_WAIT, asked - HOLDS - WAITS_ON, asked)
        earliest = max(asked - HOLDS - (WAITS_ON if waited else DEADLINE),
                       self._history.since_last_kill(asked))
        failing = self._dns_failing(domain, earliest, got)
        earliest = self._after_last_fetch(domain, earliest, asked, got)
        seen = self._dane(domain, earliest, got, failing or slow)
        # Who waited for a policy's turn has known of its record.
        late = slow and not self._touches(Effect.FETCHES_WAIT, asked - WAITS_ON, got)
        policies = self._policies(domain, earliest, asked, got, failing or late)
        memories = self._memories(domain, asked, got)
        self._answered.setdefault(domain.name, got)
        # What no policy changes is said before the policy is known.
        alike = {ROWS[row(mx, hosts, "nothing")] for mx, hosts in seen if mx != "failed"}
        verdicts = {Verdict(with_policy) for with_policy, without in alike
                    if with_policy == without}
        for (mx, hosts), version in itertools.product(seen, policies):
            for remembered in memories if mx == "failed" else ("nothing",):
                kind = ROWS[row(mx, hosts, remembered)][0 if version is not None else 1]
                verdicts.add(Verdict(kind, version if kind == "secure" else None))
        return verdicts

    def excused(self, domain: Changing, asked: float, got: float) -> set[Verdict]:
        """tempfail for want of what a fault keeps from the daemon: the store, as long as a promise
        may be in it; the policy of a record that is there, or the record itself."""
        process = self._history.since_last_kill(asked)
        # The liar says that there is neither DANE nor a policy; what is held is not lost by that.
        if not domain.signed and self._touches(Effect.LIED_TO, asked - HOLDS, got) and \
                not self._shared(domain, asked):
            return {Verdict("may"), Verdict("dane")}
        if self._touches(Effect.STORE_UNREAD, max(process, got - UNREAD_HOLDS), got):
            return {TEMPFAIL}
        if self._touches(Effect.LOOKUPS_WAIT, max(process, got - WAITS_ON), got):
            return {TEMPFAIL}
        waits = self._touches(Effect.FETCHES_WAIT, max(process, got - WAITS_ON), got)
        had_record = self._had_record(domain, asked - HOLDS - WAITS_ON, got)
        return {TEMPFAIL} if waits and had_record else set()

    @staticmethod
    def _had_record(domain: Changing, begin: float, end: float) -> bool:
        return any(s.dns.sts_id is not None and _interval(s).touches(begin, end)
                   for s in list(domain.seen))

    def _shared(self, domain: Changing, asked: float) -> bool:
        """Whether all nodes hold an enforced policy."""
        latest = [s for s in list(domain.served) if s.policy.status == 200 and s.at < asked][-1:]
        return any(s.policy.mode == "enforce" and s.done < asked - SHARED
                   and not self._ended(s, asked) for s in latest)

    def is_busy(self, domain: Changing, asked: float, got: float) -> bool:
        """Whether an answer came late for no other reason than that the machine is busy."""
        delays = {Effect.LOOKUPS_FAIL, Effect.STORE_UNREAD}
        if self._had_record(domain, asked - AT_ONCE, got):
            delays.add(Effect.FETCHES_WAIT)
        return got - asked > SLOW and not any(
            h.name != BUSY and h.effects & delays and h.touches(asked - DEADLINE, got)
            for h in list(self._history.happenings)
        )

    def _touches(self, effect: Effect, begin: float, end: float) -> bool:
        return any(h.touches(begin, end) for h in self._history.of(effect))

    # --- DANE ---------------------------------------------------------------------------------

    def _dane(self, domain: Changing, earliest: float, got: float,
              hindered: bool) -> set[tuple[str, str]]:
        """What the DANE part of the evidence may be: (mx, hosts)."""
        states = list(domain.seen)
        visible = [s for s in states if _interval(s).touches(earliest, got)]
        found = set()
        for state in visible:
            # One evaluation may see the MX RRset of one state and TLSA records of the next.
            beside = [s for s in visible if s.since - AT_ONCE <= state.until
                      and state.since <= s.until + AT_ONCE]
            letters = [{s.dns.tlsa[n] for s in beside} for n in range(state.dns.hosts)]
            found |= {(self._mx(domain, state), "".join(hosts))
                      for hosts in itertools.product(*letters)}
        if hindered:
            found |= {(mx, "".join(hosts)) for mx, letters in set(found)
                      for hosts in itertools.product(*("F" + letter for letter in letters))}
            found.add(("failed", ""))
        return found

    @staticmethod
    def _mx(domain: Changing, state: Seen) -> str:
        if state.dns.mx != "plain":
            return state.dns.mx
        return "secure" if domain.signed else "insecure"

    def _dns_failing(self, domain: Changing, earliest: float, got: float) -> bool:
        """Whether some lookup may have failed in the evaluation behind the answer."""
        down = (Interval(d.since, d.until + DEADLINE)
                for d in self._history.of(Effect.LOOKUPS_FAIL))
        spoilt = (Interval(s.since, s.until + BOGUS_CACHED) for s in list(domain.seen)
                  if s.dns.mx == "bogus" or "F" in s.dns.tlsa)
        process = self._history.since_last_kill(got)
        return (any(d.touches(max(process, min(earliest, got - FAILED_HOLDS)), got) for d in down)
                or any(s.touches(got - FAILED_AGAIN, got) for s in spoilt))

    def _memories(self, domain: Changing, asked: float, got: float) -> set[str]:
        """What may be remembered of DANE: what the last sound evaluation saw. While DNS is down
        that was an evaluation before it."""
        begin = asked - 2 * HOLDS - FAILED_HOLDS
        memories = set()
        for mx, hosts in self._dane(domain, begin, got, hindered=False):
            if set(hosts) & {"U", "X"} and mx in ("secure", "insecure"):
                memories.add("dane")
            elif mx == "bogus" or "F" in hosts:
                memories.add("nothing")  # not a sound evaluation, and maybe there was no other
            else:
                memories.add("no-dane")
        first = self._answered.get(domain.name, got)
        saved = self._history.written_by(first)
        down = [h.since for h in self._history.of(Effect.LOOKUPS_FAIL)]
        kills = [k.since for k in self._history.kills]
        unsure = any(self._touches(effect, asked - HOLDS, got)
                     for effect in (Effect.STORE_UNREAD, Effect.CLOCK_WRONG))
        if (unsure or self._history.forgotten_of(domain, got)
                or any(first > t - KILL_LOSES for t in down if t < got)
                or any(saved > t for t in kills if t < got)):
            memories.add("nothing")
        return memories

    # --- MTA-STS ------------------------------------------------------------------------------

    def _after_last_fetch(self, domain: Changing, earliest: float, asked: float,
                          got: float) -> float:
        """An answer is of no evaluation before the one that fetched the last policy: that took the
        place of what was known, unless a lookup of it failed."""
        for served in list(domain.served):
            kept = (served.policy.status == 200 and self._is_own(served)
                    and self._kept(domain, served, got))
            if kept and served.done < asked - AT_ONCE:
                waited = self._touches(Effect.FETCHES_WAIT, served.at - WAITS_ON, served.at)
                begun = served.at - (WAITS_ON if waited else DEADLINE)
                if not self._dns_failing(domain, begun, served.done + AT_ONCE):
                    earliest = max(earliest, begun)
        return earliest

    def _is_own(self, served: Served) -> bool:
        return not self._addresses or served.to in self._addresses

    def _kept(self, domain: Changing, served: Served, got: float) -> bool:
        """Not lost by a kill, nor by a command to forget what its lookup had begun with."""
        killed = any(kill.touches(served.at, self._history.written_by(served.done))
                     and kill.lost(domain.name, served)
                     for kill in list(self._history.kills) if kill.since < got)
        waited = self._touches(Effect.FETCHES_WAIT, served.at - WAITS_ON, served.at)
        begun = served.at - (WAITS_ON if waited else FETCHED_WITHIN)
        dropped = any(f.touches(begun, served.at) for f in self._history.forgotten_of(domain, got))
        return served.done < got and not killed and not dropped

    def _forgotten(self, domain: Changing, served: Served, got: float) -> float | None:
        """When it was, if somebody had the daemon forget the domain since."""
        times = [f.until for f in self._history.forgotten_of(domain, got)
                 if f.touches(served.at, got)]
        return max(times, default=None)

    def _policies(self, domain: Changing, earliest: float, asked: float, got: float,
                  hindered: bool) -> set[int | None]:
        """Versions of the policies that may be in force; None: no policy may be, too."""
        held: list[Served | None] = [None]
        for served in list(domain.served):
            if served.policy.status != 200:
                continue
            forgotten = self._forgotten(domain, served, got)
            if forgotten is not None and served.done < forgotten < asked - AT_ONCE:
                held = [None]
            elif (forgotten is None and self._kept(domain, served, got) and self._is_own(served)
                    and served.done + AT_ONCE < earliest):
                held = [served]
            elif served.at < got:
                held.append(served)
        # One that was fetched in good time is the only one, whatever came before.
        sure = [n for n, s in enumerate(held)
                if s and self._kept(domain, s, got) and self._is_own(s)
                and self._forgotten(domain, s, got) is None
                and s.done < asked - AT_ONCE]
        if sure and not hindered:
            held = held[sure[-1]:]
        versions: set[int | None] = {
            s.policy.version for s in held
            if s and s.policy.mode == "enforce"
            and not self._ended(s, self._surely(s, asked, hindered))
        }
        without = any(
            s is None or s.policy.mode != "enforce" or self._ended(s, got + EXPIRY) for s in held
        )
        if without and not self._must_have_fetched(domain, held, earliest, got, hindered):
            versions.add(None)
        return versions

    def _surely(self, served: Served, asked: float, hindered: bool) -> float:
        """The time by which a policy that has ended is not in force any more. How old those are
        that another node has fetched, a process cannot know that was started with a wrong clock."""
        unsure = not self._is_own(served) and any(
            h.touches(served.at, asked) and asked < h.until + served.policy.max_age + EXPIRY
            for h in self._history.of(Effect.CLOCK_WRONG))
        return 0 if unsure else asked - (RENEWED_LATE if hindered else RENEWED)

    @staticmethod
    def _ended(served: Served, now: float) -> bool:
        """Its life began when it had been fetched, soon after it was sent."""
        sent = min(served.done, served.at + AT_ONCE)
        return sent + served.policy.max_age < now

    def _must_have_fetched(self, domain: Changing, held: list[Served | None], earliest: float,
                           got: float, hindered: bool) -> bool:
        """Whether every evaluation that the answer may be of has found a record whose policy it
        must have fetched, or held already."""
        visible = [s for s in list(domain.seen) if _interval(s).touches(earliest, got)]
        ids = {s.dns.sts_id for s in visible}
        if hindered or len(ids) != 1 or None in ids:
            return False
        (sts_id,) = ids
        begin = min(s.since for s in list(domain.seen) if s.dns.sts_id == sts_id)
        offered = [(since, policy) for since, policy in domain.offered[:] if since < got]
        offered = [policy for n, (_, policy) in enumerate(offered)
                   if n + 1 == len(offered) or offered[n + 1][0] >= begin - DEADLINE]
        sound = all(p.status == 200 and p.mode == "enforce" and p.max_age > EXPIRY
                    for p in offered)
        held_otherwise = any(s and s.policy.mode != "enforce" for s in held)
        host_away = self._touches(Effect.FETCHES_FAIL, begin, got)
        return sound and not held_otherwise and not host_away


def _interval(seen: Seen) -> Interval:
    return Interval(seen.since, seen.until)
