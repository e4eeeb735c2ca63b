# test_requiretls.py: Postfix 3.11 sends messages that ask for REQUIRETLS (RFC 8689), and asks the
# map "requiretls" what that means
# SPDX-License-Identifier: BSD-3-Clause
import pytest

from postfix import policy_map
from postfix_release import NEWEST

pytestmark = pytest.mark.parametrize("release", [NEWEST], indirect=True, scope="session")
TRANSPORTS = "inline:{%s}" % " ".join(
    f"{{{name}.mail.example = smtp:[mx.{name}.mail.example]:587}}"
    for name in ("relay", "relay-port-25-only", "override-relay", "enforce-relay")
)
HEADER = "Require-TLS-ESMTP: yes\n"  # how Postfix itself hands the request on
PATIENCE = 40  # seconds

# Status, level, and whether MAIL has REQUIRETLS; or status and a word of the log.
CASES = {
    # The policy authenticates: enforce.
    "dane.mail.example": ("sent", "Verified", True),
    "dane-self-signed.mail.example": ("sent", "Verified", True),
    "xn--bcher-kva.mail.example": ("sent", "Verified", True),
    "enforce.mail.example": ("sent", "Verified", True),
    "enforce-two-first-expired.mail.example": ("sent", "Verified", True),
    "override-stronger.mail.example": ("sent", "Verified", True),
    "dane-wrong.mail.example": ("bounced", "no trusted server certificate"),
    "enforce-expired.mail.example": ("bounced", "no trusted server certificate"),
    "dane-no-requiretls.mail.example": ("bounced", "no server was found that supports REQUIRETLS"),
    # It does not: opportunistic+starttls.
    "plain.mail.example": ("sent", "Trusted", True),
    "plain-no-requiretls.mail.example": ("sent", "Trusted", False),
    "plain-self-signed.mail.example": ("sent", "Untrusted", True),
    "dane-mixed.mail.example": ("sent", "Verified", True),
    "testing.mail.example": ("sent", "Untrusted", True),
    "override-weaker.mail.example": ("sent", "Untrusted", True),
    "plain-no-starttls.mail.example": ("bounced", "TLS service was not offered"),
    # By way of a relay, [mx]:587: the key is the name alone, whose TLSA at port 25 says nothing of
    # port 587. With none there, enforce would bounce.
    "relay.mail.example": ("sent", "Verified", True),
    "relay-port-25-only.mail.example": ("sent", "Untrusted", True),
    # An override for the name is none for [mx]:587; nor does the name's policy count where an
    # override for [mx]:587 lets mail go.
    "override-relay.mail.example": ("sent", "Untrusted", True),
    "enforce-relay.mail.example": ("sent", "Untrusted", True),
    # An MX of its own name, or none: it may be such a relay.
    "dane-implicit.mail.example": ("sent", "Verified", True),
    # Not known yet.
    "both-fails.mail.example": ("deferred", "failed: SERVFAIL"),
}


def recipient(release, domain: str) -> str:
    return f"{release.name}-requiretls@{domain}"


@pytest.fixture(scope="module")
def outcomes(release, policies, new_postfix):
    assert release.version >= (3, 11)
    recipients = [recipient(release, domain) for domain in CASES]
    with new_postfix(release, {
        "smtp_tls_security_level": "dane",
        "smtp_tls_policy_maps": policies.socketmap(policy_map(release)),
        "transport_maps": TRANSPORTS,
        "smtp_requiretls_policy": policies.socketmap("requiretls"),
    }) as postfix:
        postfix.send(recipients, HEADER)
        return postfix.outcomes(recipients, PATIENCE)


@pytest.mark.parametrize("domain", CASES)
def test_message_that_requires_tls(release, world, outcomes, domain):
    status, what, *requiretls = CASES[domain]
    to = recipient(release, domain)
    assert to in outcomes, "neither sent nor deferred nor bounced in time"
    outcome = outcomes[to]
    received = world.mail_sink.received.get(to)
    assert outcome.status == status, outcome
    if status != "sent":
        assert what in outcome.text and received is None, outcome
        return
    assert outcome.tls == what, outcome
    assert received and [" REQUIRETLS" in received.mail] == requiretls
