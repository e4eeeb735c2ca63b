# test_guard.py: a record must not make us connect to the operator's own network
# (https.allow_private = false, the default)
# SPDX-License-Identifier: BSD-3-Clause
import json

import pytest


@pytest.fixture
def guarded(new_daemon):
    daemon = new_daemon(https={"allow_private": False})
    daemon.start()
    return daemon


@pytest.mark.parametrize("domain, address", [
    ("guarded.example", "127.44.0.1"),
    ("sts-v6.example", "fd00::443"),
])
def test_private_addresses(world, guarded, domain, address):
    before = world.policy_server.connections
    assert guarded.ask(domain) == "NOTFOUND "
    explained = guarded.explain(domain)
    assert explained["verdict"]["class"] == "may"
    assert address in json.dumps(explained), "the reason names the address"
    assert world.policy_server.connections == before, "a connection was made all the same"


def test_dane_needs_no_connection(guarded):
    assert guarded.ask("sts-dane.example") == "OK dane-only"


def test_the_control_without_the_guard(world, daemon):
    before = world.policy_server.requests["guarded.example"]
    assert daemon.ask("guarded.example").startswith("OK secure ")
    assert world.policy_server.requests["guarded.example"] == before + 1
