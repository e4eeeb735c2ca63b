# test_mail.py: every line of mail.table: several versions of real Postfix send mail, by postseald's
# policies, to mail hosts right and wrong
# SPDX-License-Identifier: BSD-3-Clause
import pytest

import table
from postfix import policy_map
from world.catalogue import ZONES

DELIVERIES = table.read_deliveries()
PATIENCE = 40  # seconds

# main.cf's smtp_tls_security_level: with may, nothing but the policy makes Postfix look at TLSA.
LEVELS = {
    "dane": {},
    "may": {"smtp_tls_dane_insecure_mx_policy": "dane"},  # else 3.7 looks at none of these
}

RELAYED = ("relay", "relay-wrong", "relay-port-25-only", "override-relay", "enforce-relay")
TRANSPORTS = "inline:{%s}" % " ".join(
    f"{{{name}.mail.example = smtp:[mx.{name}.mail.example]:587}}" for name in RELAYED
)


@pytest.fixture(scope="module", params=LEVELS)
def level(request) -> str:
    return request.param


def recipient(release, level: str, domain: str) -> str:
    return f"{release.name}-{level}@{domain}"


@pytest.fixture(scope="module")
def outcomes(release, level, policies, new_postfix):
    """All messages at once; what became of each."""
    recipients = [recipient(release, level, delivery.domain) for delivery in DELIVERIES]
    with new_postfix(release, {
        "smtp_tls_security_level": level,
        "smtp_tls_policy_maps": policies.socketmap(policy_map(release)),
        "transport_maps": TRANSPORTS,
        **LEVELS[level],
    }) as postfix:
        postfix.send(recipients)
        return postfix.outcomes(recipients, PATIENCE)


@pytest.mark.parametrize("delivery", DELIVERIES, ids=lambda delivery: delivery.domain)
def test_delivery(release, level, world, outcomes, delivery):
    expected = delivery.tlsrpt if policy_map(release) == "tlsrpt" else delivery.legacy
    to = recipient(release, level, delivery.domain)
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


def test_exact_match(release, policies, new_postfix):
    """match = "mx": the check of RFC 8461 section 4.1 by any version."""
    to = f"{release.name}-exact@enforce-wildcard-first-deep.mail.example"
    outside = f"{release.name}-exact@enforce-wildcard-deep.mail.example"
    with new_postfix(release, {
        "smtp_tls_security_level": "dane",
        "smtp_tls_policy_maps": policies.socketmap("exact"),
    }) as postfix:
        postfix.send([to, outside])
        outcomes_ = postfix.outcomes([to, outside], PATIENCE)
        log = postfix.log_text()
    # No pattern covers the host: patterns in match= would let 3.7 and 3.11 deliver to it.
    assert outcomes_[outside].status == "deferred", outcomes_[outside]
    assert "fits none of its 1 MX host (deep.a.in.enforce-wildcard-deep.mail.example)" in log
    outcome = outcomes_[to]
    assert (outcome.status, outcome.tls) == ("sent", "Verified"), outcome
    assert outcome.host == "b.in.enforce-wildcard-first-deep.mail.example"
