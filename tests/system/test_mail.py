# test_mail.py: every line of mail.table: several versions of real Postfix send mail, by postseald's
# policies, to mail hosts right and wrong
# SPDX-License-Identifier: BSD-3-Clause
import itertools

import pytest

import table
from daemon import Daemon
from postfix import Postfix
from world import validating_resolver
from world.catalogue import ZONES
from world.validating_resolver import ValidatingResolver

DELIVERIES = table.read_deliveries()
PORT = 8460  # postseald's
SUBMISSION_PORTS = itertools.count(8400)
PATIENCE = 40  # seconds

OVERRIDES = """\
override-stronger.mail.example secure match=mx.override-stronger.mail.example
override-stronger-wrong.mail.example secure match=mx.override-stronger-wrong.mail.example
override-weaker.mail.example may
override-weaker-dane.mail.example encrypt
override-none.mail.example none
"""
RELAYED = ("relay", "relay-wrong", "relay-port-25-only")
TRANSPORTS = "inline:{%s}" % " ".join(
    f"{{{name}.mail.example = smtp:[mx.{name}.mail.example]:587}}" for name in RELAYED
)


@pytest.fixture(scope="module")
def resolver(world, tmp_path_factory):
    if reason := validating_resolver.missing():
        pytest.skip(f"NO MAIL SENT: {reason}")
    folder = tmp_path_factory.mktemp("resolver")
    with ValidatingResolver(folder, world.trust_anchor, world.root_hints) as resolver_:
        yield resolver_


@pytest.fixture(scope="module")
def policies(world, programs, tmp_path_factory):
    """The daemon that Postfix asks."""
    folder = tmp_path_factory.mktemp("policies")
    overrides = folder / "overrides"
    overrides.write_text(OVERRIDES, encoding="ascii")
    verdict = {"default_level": "dane", "overrides": str(overrides)}
    with Daemon(world, folder, PORT, verdict=verdict) as daemon:
        yield daemon


def recipient(release, domain: str) -> str:
    return f"{release.name}@{domain}"


@pytest.fixture(scope="module")
def outcomes(release, world, resolver, policies, tmp_path_factory):
    """All messages at once; what became of each."""
    postfix = Postfix(
        release, tmp_path_factory.mktemp(release.name) / "postfix", next(SUBMISSION_PORTS),
        ca_file=world.ca_file, resolv_conf=resolver.resolv_conf,
        settings={
            "smtp_tls_policy_maps": f"socketmap:inet:127.0.0.1:{policies.port}:{map_name(release)}",
            "transport_maps": TRANSPORTS,
        },
    )
    recipients = [recipient(release, delivery.domain) for delivery in DELIVERIES]
    with postfix:
        postfix.send(recipients)
        return postfix.outcomes(recipients, PATIENCE)


def map_name(release) -> str:
    return "tlsrpt" if release.version >= (3, 10) else "postfix"


@pytest.mark.parametrize("delivery", DELIVERIES, ids=lambda delivery: delivery.domain)
def test_delivery(release, world, outcomes, delivery):
    expected = delivery.tlsrpt if map_name(release) == "tlsrpt" else delivery.legacy
    to = recipient(release, delivery.domain)
    assert to in outcomes, "neither sent nor deferred nor bounced in time"
    outcome = outcomes[to]
    how, _, what = expected.partition(": ")
    received = world.mail_sink.received.get(to)
    if not how.startswith("sent by "):
        assert (outcome.status, received) == (how, None), (delivery, outcome)
        assert what in outcome.text, (delivery, outcome)
        return
    host = how.removeprefix("sent by ")
    if not host.endswith(".example"):
        host += "." + delivery.domain.encode("idna").decode("ascii")
    sent = (outcome.status, outcome.host.lower(), outcome.tls)
    assert sent == ("sent", host, what), (delivery, outcome)
    assert received is not None and received.address == outcome.address
    assert (received.tls is None) == (what == "none")


def test_every_mail_domain_is_tried():
    tried = {delivery.domain.encode("idna").decode("ascii") for delivery in DELIVERIES}
    assert tried >= {name for name in ZONES if name.endswith(".mail.example")}
