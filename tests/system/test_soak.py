# test_soak.py: a short soak each time (contrib/check without --quick runs one of two minutes), and
# the judge judged
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import re
import sys

import pytest

from soak_model import History, Interval, Model, Verdict
from world.changing import Changing, Dns, Policy, Seen, Served
from world.processes import run

SECONDS = 20
SOAK = pathlib.Path(__file__).with_name("soak.py")
SUMMARY = re.compile(
    r"^soak: .* (\d+) changes, (\d+) queries: (.*); (\d+) policies.*; 0 violations$"
)


def test_soak(programs):
    result = run([sys.executable, str(SOAK), "--seconds", str(SECONDS)], timeout=300)
    if result.returncode == 77:
        pytest.skip(f"SYSTEM TESTS NOT RUN: {result.stderr.strip()}")
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    summary = SUMMARY.match(result.stdout.splitlines()[-1])
    assert summary, result.stdout
    changes, queries, classes, fetches = summary.groups()
    assert int(changes) >= 100 and int(queries) >= 1000 and int(fetches) >= 100, result.stdout
    for kind in ("dane=", "dane-only=", "may=", "secure=", "tempfail="):
        assert kind in classes, result.stdout


# --- The judge -------------------------------------------------------------------------------
# Asked at 1000; a state in DNS counts until 72 s after its end.

ENFORCE = Policy(1)
SECURE = Verdict("secure", 1)
MAY, DANE, DANE_ONLY, TEMPFAIL = (Verdict(k) for k in ("may", "dane", "dane-only", "tempfail"))
WITH_DANE = Dns(tlsa="UU")
STS = Dns(sts_id="a")


def fetched(at: float, policy: Policy = ENFORCE) -> Served:
    return Served(policy, at, at)


def offered(policy: Policy) -> list[tuple[float, Policy]]:
    return [(0, policy)]


def judged(seen: list[Seen], served: list[Served] = (), history: History | None = None,
           signed: bool = True, offers: Policy = Policy(0, status=404)) -> set[Verdict]:
    domain = Changing(
        "a.example", signed, seen[-1].dns, offers, seen, offered(offers), list(served)
    )
    model = Model(history or History())
    model.allowed(domain, 500, 500)  # known since long
    return model.allowed(domain, 1000, 1000)


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
    away = History(host_down=[Interval(10, 20)])
    assert judged([Seen(STS, 0)], [], away, offers=ENFORCE) == {MAY}


def test_judge_of_dead_dns():
    """Rows 4 and 5; what is remembered decides."""
    dead = History(dns_down=[Interval(900)], kills=[Interval(950, 951)])
    assert judged([Seen(Dns(), 0)], history=dead) == {MAY, DANE}  # F at hosts: row 8
    assert judged([Seen(WITH_DANE, 0)], history=dead) == {DANE, DANE_ONLY}
    assert judged([Seen(WITH_DANE, 0)], [fetched(10)], dead) == {DANE_ONLY, TEMPFAIL}


def test_judge_of_what_was_seen_in_the_middle_of_a_change():
    """The MX RRset of one state, the TLSA records of the next: remembered is no DANE."""
    dead = History(dns_down=[Interval(950)], kills=[Interval(951, 952)])
    change = [Seen(Dns(hosts=1, tlsa="UU"), 0, 940), Seen(Dns(hosts=2, tlsa="NX"), 938)]
    assert judged(change, history=dead) == {MAY, DANE}


def test_judge_of_a_kill():
    """A policy fetched in the last moment may be lost, an older one not; memory is."""
    kill = History(kills=[Interval(990, 991)])
    assert judged([Seen(Dns(), 0)], [fetched(989.9)], kill) == {MAY, SECURE}
    assert judged([Seen(Dns(), 0)], [fetched(980)], kill) == {SECURE}
    assert judged([Seen(WITH_DANE, 0, 980), Seen(Dns(), 980)], history=kill) == {MAY}
