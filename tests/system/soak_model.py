# soak_model.py: which verdicts are right for a domain that changes, by the standards and not by
# our C++
#
# An answer is made of one evaluation: what DNS said at some time while its evidence may hold, the
# policy held then, and what was remembered. allowed() gives every verdict that some combination
# leads to; anything else is a violation: too weak, too strong, or too old.
# Times are of time.monotonic(), in seconds.
# SPDX-License-Identifier: BSD-3-Clause
import itertools
from dataclasses import dataclass, field

from world.changing import Changing, Seen, Served

HOLDS = 60  # evidence with TTLs of a second (section 4 of the design: at least 60 s)
DEADLINE = 12  # an answer's, and something for the way
AT_ONCE = 4  # an evaluation that nothing hinders ends within
FAILED_HOLDS = 45  # a failed lookup is retried after 30 s, a name server that was away later
BOGUS_CACHED = 30  # libunbound's val-bogus-ttl
FAILED_AGAIN = 130  # failures in a row: 30, 60 s and the like
KILL_LOSES = 1.0  # 200 ms, and something for our own clock
EXPIRY = 1.5  # an answer made of a policy ends with it; the way here is added
ENFORCED = {"secure", "dane-only", "tempfail"}

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


@dataclass
class Interval:
    since: float
    until: float = float("inf")

    def touches(self, begin: float, end: float) -> bool:
        return self.since <= end and begin <= self.until


@dataclass
class History:
    """What befell the daemon and its neighbours."""

    dns_down: list[Interval] = field(default_factory=list)
    host_down: list[Interval] = field(default_factory=list)
    kills: list[Interval] = field(default_factory=list)  # from the signal to the end


@dataclass(frozen=True)
class Verdict:
    kind: str  # may, dane, dane-only, secure, tempfail
    version: int | None = None  # secure: the policy's


class Model:
    def __init__(self, history: History) -> None:
        self._history = history
        self._answered: dict[str, float] = {}  # when first

    def allowed(self, domain: Changing, asked: float, got: float) -> set[Verdict]:
        slow = got - asked > DEADLINE - 4
        # What is in memory is of the present process.
        ends = [kill.until for kill in self._history.kills if kill.until < asked]
        earliest = max([asked - HOLDS - DEADLINE, *ends])
        hindered = slow or self._dns_failing(domain, earliest, got)
        earliest = self._after_last_fetch(domain, earliest, asked)
        seen = self._dane(domain, earliest, got, hindered)
        policies = self._policies(domain, earliest, asked, got, hindered)
        memories = self._memories(domain, asked, got)
        self._answered.setdefault(domain.name, got)
        verdicts = set()
        for (mx, hosts), version in itertools.product(seen, policies):
            for remembered in memories if mx == "failed" else ("nothing",):
                kind = ROWS[row(mx, hosts, remembered)][0 if version is not None else 1]
                verdicts.add(Verdict(kind, version if kind == "secure" else None))
        return verdicts

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
        down = (Interval(d.since, d.until + DEADLINE) for d in self._history.dns_down)
        spoilt = (Interval(s.since, s.until + BOGUS_CACHED) for s in list(domain.seen)
                  if s.dns.mx == "bogus" or "F" in s.dns.tlsa)
        return (any(d.touches(min(earliest, got - FAILED_HOLDS), got) for d in down)
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
        troubles = [i.since for i in self._history.dns_down + self._history.kills]
        if any(first > t - KILL_LOSES for t in troubles if t < got):
            memories.add("nothing")
        return memories

    # --- MTA-STS ------------------------------------------------------------------------------

    def _after_last_fetch(self, domain: Changing, earliest: float, asked: float) -> float:
        """An answer is of no evaluation before the one that fetched the last policy: that took the
        place of what was known, unless a lookup of it failed."""
        for served in list(domain.served):
            if served.policy.status == 200 and self._kept(served) and served.done < asked - AT_ONCE:
                if not self._dns_failing(domain, served.at - DEADLINE, served.done + AT_ONCE):
                    earliest = max(earliest, served.at - DEADLINE)
        return earliest

    def _kept(self, served: Served) -> bool:
        """Not lost by a kill."""
        return served.done < float("inf") and not any(
            kill.touches(served.at, served.done + KILL_LOSES) for kill in self._history.kills
        )

    def _policies(self, domain: Changing, earliest: float, asked: float, got: float,
                  hindered: bool) -> set[int | None]:
        """Versions of the policies that may be in force; None: no policy may be, too."""
        held: list[Served | None] = [None]
        for served in list(domain.served):
            if served.policy.status != 200:
                continue
            if self._kept(served) and served.done + AT_ONCE < earliest:
                held = [served]
            elif served.at < got:
                held.append(served)
        # One that was fetched in good time is the only one, whatever came before.
        sure = [n for n, s in enumerate(held) if s and self._kept(s) and s.done < asked - AT_ONCE]
        if sure and not hindered:
            held = held[sure[-1]:]
        versions: set[int | None] = {
            s.policy.version for s in held
            if s and s.policy.mode == "enforce" and not self._ended(s, asked - EXPIRY)
        }
        without = any(
            s is None or s.policy.mode != "enforce" or self._ended(s, got + EXPIRY) for s in held
        )
        if without and not self._must_have_fetched(domain, held, earliest, got, hindered):
            versions.add(None)
        return versions

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
        offered = domain.offered[:]
        offered = [policy for n, (_, policy) in enumerate(offered)
                   if n + 1 == len(offered) or offered[n + 1][0] >= begin - DEADLINE]
        sound = all(p.status == 200 and p.mode == "enforce" and p.max_age > EXPIRY
                    for p in offered)
        held_otherwise = any(s and s.policy.mode != "enforce" for s in held)
        host_away = any(d.touches(begin, got) for d in self._history.host_down)
        return sound and not held_otherwise and not host_away


def _interval(seen: Seen) -> Interval:
    return Interval(seen.since, seen.until)
