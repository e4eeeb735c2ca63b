# test_early.py: an answer does not wait for a name server that cannot change it
#
# Judged by order: the reply is there while the daemon still waits for the silent server.
# SPDX-License-Identifier: BSD-3-Clause
import pytest

from hostile.name_server import ODD, NameServer

AAAA_SILENT = f"aaaa-silent.{ODD}"


@pytest.fixture
def patient(new_daemon):
    """Nothing is over soon."""
    daemon = new_daemon(limits={"deadline": "25s"}, dns={"timeout": "20s"})
    daemon.start()
    return daemon


@pytest.fixture
def odd_servers(world):
    with NameServer({}) as server:
        yield server


def active(daemon) -> int:
    return daemon.status()["lookups"]["pending"]


def test_silent_txt(patient):
    assert patient.ask("txt-silent.example") == "OK dane-only"
    assert active(patient) == 1
    assert patient.ask("txt-silent.example") == "OK dane-only"
    explained = patient.explain("txt-silent.example")  # takes all the evidence
    assert not explained["partial"]
    assert explained["mta_sts"]["record"] == "failed"
    assert active(patient) == 0


def test_silent_family(patient, odd_servers):
    assert patient.ask(AAAA_SILENT) == "NOTFOUND "
    assert active(patient) == 1
    explained = patient.explain(AAAA_SILENT)
    assert not explained["partial"]
    assert [host["state"] for host in explained["mx"]["hosts"]] == ["N"]
    assert active(patient) == 0
