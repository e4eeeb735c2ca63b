# soak_history.py: what happened to the daemon and its neighbours during a soak, and when
#
# Times are of time.monotonic(), in seconds.
# SPDX-License-Identifier: BSD-3-Clause
import enum
from dataclasses import dataclass, field

from world.changing import Changing, Served


class Effect(enum.Enum):
    """What a fault may do to answers. soak_model.py says what it allows, and for how long."""

    LOOKUPS_FAIL = "a DNS lookup fails, or cannot be validated"
    LOOKUPS_WAIT = "lookups that hang leave no turn for others"
    FETCHES_FAIL = "a policy cannot be fetched"
    FETCHES_WAIT = "a policy's turn to be fetched comes late"
    STORE_UNREAD = "what is stored cannot be read"
    STORE_UNWRITTEN = "what is learnt is not in the file before the fault has ended"
    LIED_TO = "the lies about an unsigned domain are believed"
    CLOCK_WRONG = "a process was started with a wrong wall clock"


@dataclass
class Interval:
    since: float
    until: float = float("inf")

    def touches(self, begin: float, end: float) -> bool:
        return self.since <= end and begin <= self.until


@dataclass
class Happening(Interval):
    """One fault, once."""

    name: str = ""
    effects: frozenset[Effect] = frozenset()
    answers: int = 0  # judged while it lasted
    excused: int = 0  # tempfail that is right because of a fault only


@dataclass
class Kill(Interval):
    """From the signal to the process's end."""

    # The policies in the file then, by domain: version, and when it was fetched. None: nobody has
    # looked.
    stored: dict[str, tuple[int, float]] | None = None

    def lost(self, domain: str, served: Served) -> bool:
        """Whether a policy that was saved shortly before is not in the file."""
        version, fetched = (self.stored or {}).get(domain, (None, 0.0))
        return not (version == served.policy.version and served.at - 1 < fetched < self.until)


@dataclass
class History:
    kills: list[Kill] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    forgotten: dict[str, list[Interval]] = field(default_factory=dict)  # by domain: the command

    def of(self, effect: Effect) -> list[Happening]:
        return [h for h in list(self.happenings) if effect in h.effects]

    def at(self, time: float) -> list[Happening]:
        return [h for h in list(self.happenings) if h.touches(time, time)]

    def forgotten_of(self, domain: Changing, time: float) -> list[Interval]:
        """The commands that began before this time."""
        return [f for f in list(self.forgotten.get(domain.name, [])) if f.since < time]

    def since_last_kill(self, time: float) -> float:
        """When the process that answers at this time was started; what is in memory is of it."""
        return max((k.until for k in list(self.kills) if k.until < time), default=0)

    def before(self, time: float) -> list[str]:
        """What happened in the two minutes before, a line each."""
        begin = time - 120
        lines = [(h.since, f"{h.name} {h.since:.2f} to {h.until:.2f}")
                 for h in list(self.happenings) if h.touches(begin, time)]
        lines += [(k.since, f"killed {k.since:.2f} to {k.until:.2f}")
                  for k in list(self.kills) if k.touches(begin, time)]
        return [f"  before: {text}" for _, text in sorted(lines)]

    def written_by(self, time: float) -> float:
        """When what was saved at this time is sure to be in the file, on a busy machine, too: a
        failed write is tried again after twice as long as before."""
        for h in sorted(self.of(Effect.STORE_UNWRITTEN), key=lambda h: h.since):
            if h.touches(time, time + KILL_LOSES):
                time = 2 * h.until - h.since + WRITE_RETRY
        return time + KILL_LOSES


KILL_LOSES = 8.0  # seconds: 200 ms, and what a busy machine needs
WRITE_RETRY = 2.0  # seconds: the first one, and the write
