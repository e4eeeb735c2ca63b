# test_soak.py: a short soak each time (contrib/check without --quick runs one of all faults), and
# the judge judged
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import re
import sys

import pytest

from daemon import PROJECT
from soak_controls import CONTROLS, PATCHES
from soak_faults import FAULTS
from soak_fleet import WAYS
from soak_history import Effect, Happening, History, Interval, Kill
from soak_model import Model, Verdict
from world.changing import Changing, Dns, Policy, Seen, Served
from world.processes import run

SHORT = ["--seed", "1", "--seconds", "20",
         "--only", "killed,dns-away,policy-host-away,disk-full"]
SOAK = pathlib.Path(__file__).with_name("soak.py")
SUMMARY = re.compile(
    r"^soak: .* (\d+) changes, (\d+) queries: (.*?); (\d+) policies.*meanwhile: (.*?);.*"
    r" 0 violations$"
)


def test_soak(programs):
    result = run([sys.executable, str(SOAK), *SHORT], timeout=300)
    if result.returncode == 77:
        pytest.skip(f"SYSTEM TESTS NOT RUN: {result.stderr.strip()}")
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    summary = SUMMARY.match(result.stdout.splitlines()[-1])
    assert summary, result.stdout
    changes, queries, classes, fetches, faults = summary.groups()
    assert int(changes) >= 50 and int(queries) >= 100 and int(fetches) >= 20, result.stdout
    for kind in ("dane=", "dane-only=", "may=", "secure=", "tempfail="):
        assert kind in classes, result.stdout
    for fault in ("killed 1/", "dns-away 1/", "policy-host-away 1/", "disk-full 1/"):
        assert fault in faults, result.stdout


def test_the_faults_are_documented():
    text = (PROJECT / "contrib/doc/reliability.md").read_text(encoding="utf-8")
    missing = [name for name in [*FAULTS, *WAYS] if not re.search(rf"\b{name}[,.;: |]", text)]
    assert missing == []


def test_the_controls_fit_the_sources():
    """contrib/dev/soak --controls builds with each; that takes long."""
    assert {path.stem for path in PATCHES.iterdir()} == CONTROLS.keys()
    for name in CONTROLS:
        done = run(["git", "-C", str(PROJECT), "apply", "--check", str(PATCHES / f"{name}.patch")])
        assert done.returncode == 0, f"{name}: {done.stderr}"


# --- The judge -------------------------------------------------------------------------------
# Asked at 1000; a state in DNS counts until 72 s after its end.

ENFORCE = Policy(1)
SECURE = Verdict("secure", 1)
MAY, DANE, DANE_ONLY, TEMPFAIL = (Verdict(k) for k in ("may", "dane", "dane-only", "tempfail"))
WITH_DANE = Dns(tlsa="UU")
STS = Dns(sts_id="a")


def fetched(at: float, policy: Policy = ENFORCE) -> Served:
    return Served(policy, at, at)


def during(effect: Effect, since: float, until: float = float("inf")) -> History:
    return History(happenings=[Happening(since, until, effects=frozenset({effect}))])


def offered(policy: Policy) -> list[tuple[float, Policy]]:
    return [(0, policy)]


def judged(seen: list[Seen], served: list[Served] = (), history: History | None = None,
           signed: bool = True, offers: Policy = Policy(0, status=404),
           took: float = 0) -> set[Verdict]:
    domain = Changing(
        "a.example", signed, seen[-1].dns, offers, seen, offered(offers), list(served)
    )
    model = Model(history or History())
    model.allowed(domain, 500, 500)  # known since long
    return (model.allowed(domain, 1000, 1000 + took)
            | model.excused(domain, 1000, 1000 + took))


JUDGED = {
    "nothing": ([Seen(Dns(), 0)], {MAY}),
    "DANE": ([Seen(WITH_DANE, 0)], {DANE_ONLY}),
    "DANE for long": ([Seen(Dns(), 0, 900), Seen(WITH_DANE, 900)], {DANE_ONLY}),
    "DANE since lately": ([Seen(Dns(), 0, 950), Seen(WITH_DANE, 950)], {MAY, DANE_ONLY}),
    "DANE till lately": ([Seen(WITH_DANE, 0, 950), Seen(Dns(), 950)], {MAY, DANE_ONLY}),
    "null MX": ([Seen(Dns(mx="null"), 0)], {MAY}),
}


@pytest.mark.parametrize("seen, allowed", JUDGED.values(), ids=JUDGED)
def test_judge_of_dane(seen, allowed):
    assert judged(seen) == allowed


def test_judge_of_an_unsigned_domain():
    assert judged([Seen(WITH_DANE, 0)], signed=False) == {DANE}


ENDED = Policy(1, max_age=100)
REFUSED = Policy(0, status=404)
POLICIES = {
    "held, record gone": ([Seen(Dns(), 0)], [fetched(10)], {SECURE}),
    "held, and DANE": ([Seen(WITH_DANE, 0)], [fetched(10)], {DANE_ONLY}),
    "held, and no usable TLSA": ([Seen(Dns(tlsa="XX"), 0)], [fetched(10)], {SECURE}),
    "ended": ([Seen(Dns(), 0)], [fetched(800, ENDED)], {MAY}),
    "not ended": ([Seen(Dns(), 0)], [fetched(910, ENDED)], {SECURE}),
    "ends now": ([Seen(Dns(), 0)], [fetched(900, ENDED)], {MAY, SECURE}),
    "replaced": ([Seen(Dns(), 0)], [fetched(10), fetched(20, Policy(2, "testing"))], {MAY}),
    "refused later": ([Seen(Dns(), 0)], [fetched(10), fetched(20, REFUSED)], {SECURE}),
    "being fetched": ([Seen(Dns(), 0)], [fetched(999)], {MAY, SECURE}),
}


@pytest.mark.parametrize("seen, served, allowed", POLICIES.values(), ids=POLICIES)
def test_judge_of_policies(seen, served, allowed):
    assert judged(seen, served) == allowed


def test_judge_of_a_policy_that_must_be_fetched():
    """The record has been there for long, and so has the policy."""
    assert judged([Seen(STS, 0)], [], offers=ENFORCE) == set()
    assert judged([Seen(STS, 0)], [fetched(10)], offers=ENFORCE) == {SECURE}
    assert judged([Seen(STS, 0)], [], offers=Policy(0, status=404)) == {MAY}
    away = during(Effect.FETCHES_FAIL, 10, 20)
    assert judged([Seen(STS, 0)], [], away, offers=ENFORCE) == {MAY}


def test_judge_of_dead_dns():
    """Rows 4 and 5; what is remembered decides."""
    dead = during(Effect.LOOKUPS_FAIL, 900)
    dead.kills = [Kill(950, 951)]
    assert judged([Seen(Dns(), 0)], history=dead) == {MAY, DANE}  # F at hosts: row 8
    assert judged([Seen(WITH_DANE, 0)], history=dead) == {DANE, DANE_ONLY}
    assert judged([Seen(WITH_DANE, 0)], [fetched(10)], dead) == {DANE_ONLY, TEMPFAIL}


def test_judge_of_a_policy_that_ends_while_lookups_do_not():
    """It is judged at its last moment, until the deadline of whoever asked first."""
    assert judged([Seen(WITH_DANE, 0)], [fetched(891, ENDED)]) == {DANE_ONLY}
    dead = during(Effect.LOOKUPS_FAIL, 950)
    dead.kills = [Kill(960, 961)]
    assert TEMPFAIL in judged([Seen(WITH_DANE, 0)], [fetched(891, ENDED)], dead)
    assert TEMPFAIL not in judged([Seen(WITH_DANE, 0)], [fetched(880, ENDED)], dead)


def test_judge_of_what_was_seen_in_the_middle_of_a_change():
    """The MX RRset of one state, the TLSA records of the next: remembered is not DANE."""
    dead = during(Effect.LOOKUPS_FAIL, 950)
    dead.kills = [Kill(951, 952)]
    change = [Seen(Dns(hosts=1, tlsa="UU"), 0, 940), Seen(Dns(hosts=2, tlsa="NX"), 938)]
    assert judged(change, history=dead) == {MAY, DANE}


def test_judge_of_a_kill():
    """A policy fetched in the last moment may be lost, an older one not; memory is."""
    kill = History(kills=[Kill(990, 991)])
    assert judged([Seen(Dns(), 0)], [fetched(989.9)], kill) == {MAY, SECURE}
    assert judged([Seen(Dns(), 0)], [fetched(980)], kill) == {SECURE}
    in_file = History(kills=[Kill(990, 991, {"a.example": (1, 989.9)})])
    assert judged([Seen(Dns(), 0)], [fetched(989.9)], in_file) == {SECURE}
    earlier = History(kills=[Kill(990, 991, {"a.example": (1, 900)})])
    assert judged([Seen(Dns(), 0)], [fetched(989.9)], earlier) == {MAY, SECURE}
    assert judged([Seen(WITH_DANE, 0, 980), Seen(Dns(), 980)], history=kill) == {MAY}


# --- The judge of faults ---------------------------------------------------------------------

def test_judge_of_an_unread_store():
    """tempfail while it is unread and for a while after, until the next process; never weaker."""
    held = [Seen(Dns(), 0)], [fetched(10)]
    assert judged(*held, during(Effect.STORE_UNREAD, 950)) == {SECURE, TEMPFAIL}
    assert judged(*held, during(Effect.STORE_UNREAD, 950, 960)) == {SECURE, TEMPFAIL}
    assert judged(*held, during(Effect.STORE_UNREAD, 900, 950)) == {SECURE}
    over = during(Effect.STORE_UNREAD, 950, 960)
    over.kills = [Kill(970, 971)]
    assert judged(*held, over) == {SECURE}
    assert judged(*held, during(Effect.STORE_UNREAD, 950), took=10) == {SECURE, TEMPFAIL}


def test_judge_of_an_unwritten_store():
    """What was fetched meanwhile may be lost by a kill; what was there before is not."""
    unwritten = during(Effect.STORE_UNWRITTEN, 900, 910)
    unwritten.kills = [Kill(915, 916)]  # before the write was tried again
    assert judged([Seen(Dns(), 0)], [fetched(905)], unwritten) == {MAY, SECURE}
    assert judged([Seen(Dns(), 0)], [fetched(890)], unwritten) == {SECURE}
    unwritten.kills = [Kill(990, 991)]
    assert judged([Seen(Dns(), 0)], [fetched(905)], unwritten) == {SECURE}


def test_judge_of_a_policy_that_waits_for_its_turn():
    """No sign that there is none, however long it takes."""
    waits = during(Effect.FETCHES_WAIT, 990)
    assert judged([Seen(STS, 0)], [], waits, offers=ENFORCE, took=10) == {TEMPFAIL}
    assert judged([Seen(Dns(), 0)], [], waits, offers=ENFORCE, took=10) >= {MAY}
    assert TEMPFAIL not in judged([Seen(Dns(), 0)], [], waits, offers=ENFORCE)


def test_a_busy_machine_shows_in_answers_that_nothing_else_delays():
    def is_busy(state: Dns, took: float, history: History) -> bool:
        domain = Changing("a.example", True, state, REFUSED, [Seen(state, 0)], offered(REFUSED), [])
        return Model(history).is_busy(domain, 1000, 1000 + took)

    assert is_busy(Dns(), 6, History()) and is_busy(STS, 6, History())
    assert not is_busy(Dns(), 4, History())
    assert not is_busy(Dns(), 6, during(Effect.LOOKUPS_FAIL, 1003))
    waits = during(Effect.FETCHES_WAIT, 990)
    assert is_busy(Dns(), 6, waits) and not is_busy(STS, 6, waits)


def test_judge_of_a_wrong_clock():
    """It makes no policy end, and none live longer."""
    wrong = during(Effect.CLOCK_WRONG, 960, 970)
    assert judged([Seen(Dns(), 0)], [fetched(800, ENDED)], wrong) == {MAY}
    assert judged([Seen(Dns(), 0)], [fetched(10)], wrong) == {SECURE}


def test_judge_of_a_domain_that_is_forgotten():
    """With all that was fetched before; not what is fetched since."""
    history = History(forgotten={"a.example": [Interval(990, 990.1)]})
    assert judged([Seen(Dns(), 0)], [fetched(10)], history) == {MAY}
    assert judged([Seen(Dns(), 0)], [fetched(10), fetched(993)], history) == {SECURE}
    later = History(forgotten={"a.example": [Interval(1001, 1002)]}, kills=[Kill(1003)])
    assert judged([Seen(Dns(), 0)], [fetched(10), fetched(999.9)], later) == {SECURE}
    # Its lookup may have begun before the command, and what it finds is then not kept.
    assert judged([Seen(Dns(), 0)], [fetched(10), fetched(991)], history) == {MAY, SECURE}
    history.happenings.append(Happening(970, 1000, effects=frozenset({Effect.FETCHES_WAIT})))
    assert judged([Seen(Dns(), 0)], [fetched(10), fetched(993)], history) == {MAY, SECURE}
    just_now = History(forgotten={"a.example": [Interval(998, 998.1)]})
    assert judged([Seen(Dns(), 0)], [fetched(10)], just_now) == {MAY, SECURE}
