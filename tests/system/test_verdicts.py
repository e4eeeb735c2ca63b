# test_verdicts.py: every line of domains.table, by socketmap, real postmap and explain
# SPDX-License-Identifier: BSD-3-Clause
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

import table
from postmap import postmap
from resources import patience

EXPECTATIONS = table.read()
AT_ONCE = 24
NO_DESTINATION = 64  # the tool's status
DEADLINE = 10  # seconds: no query takes longer, whatever is broken; but for what the machine takes


@dataclass
class Answer:
    cold: str  # the first reply, as socketmap gives it
    seconds: float
    legacy: str  # then what postmap gets
    tlsrpt: str
    explained: dict | int  # the tool's status for a key that is not a destination


@pytest.fixture(scope="module")
def answers(daemon, postmap_folder):
    """All at once: those whose servers never answer take ten seconds."""

    def ask(expectation: table.Expectation) -> Answer:
        key = expectation.key
        start = time.monotonic()
        cold = daemon.ask(key)
        seconds = time.monotonic() - start
        where = f"inet:127.0.0.1:{daemon.port}"
        return Answer(
            cold=cold,
            seconds=seconds,
            legacy=postmap(postmap_folder, key, f"{where}:postfix"),
            tlsrpt=postmap(postmap_folder, key, f"{where}:tlsrpt"),
            explained=daemon.tool("explain", key).returncode if expectation.row == "-"
            else daemon.explain(key),
        )

    keys = [expectation.key for expectation in EXPECTATIONS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(keys, pool.map(ask, EXPECTATIONS)))


@pytest.fixture(params=EXPECTATIONS, ids=lambda expectation: expectation.key)
def case(request, answers):
    return request.param, answers[request.param.key]


def test_first_answer(case):
    expected, got = case
    if expected.legacy == table.NOT_FOUND:
        assert got.cold == "NOTFOUND ", expected
    elif expected.legacy == table.TEMP:
        status, _, reason = got.cold.partition(" ")
        assert status == "TEMP", expected
        assert reason.isprintable() and 0 < len(reason) <= 200, reason
        assert "example" in reason, "the reason names what is at fault"
    else:
        assert got.cold == f"OK {expected.legacy}", expected


@pytest.mark.timed
def test_in_time(case):
    expected, got = case
    assert got.seconds < DEADLINE + patience(0.5), expected


def test_postmap(case):
    expected, got = case
    assert got.legacy == expected.legacy, expected


def test_postmap_with_tls_reports(case):
    expected, got = case
    if expected.tlsrpt.endswith(" ..."):
        assert got.tlsrpt.startswith(expected.tlsrpt.removesuffix("...") + "{ policy_string = ")
    else:
        assert got.tlsrpt == expected.tlsrpt, expected


def test_row(case):
    expected, got = case
    if expected.row == "-":
        assert got.explained == (0 if expected.reason == "an address" else NO_DESTINATION), expected
        return
    verdict = got.explained["verdict"]
    assert str(verdict["row"]) == expected.row, (expected, got.explained)
    assert verdict["class"] == expected.verdict_class, expected
    if expected.verdict_class in ("dane", "enforce") and expected.legacy != table.TEMP:
        assert verdict["level"] == expected.legacy.split()[0], expected


def test_every_row_is_met():
    rows = {expectation.row for expectation in EXPECTATIONS}
    # 1 needs an override, 4 a memory: tests of their own.
    assert rows >= {str(row) for row in (2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13)}
