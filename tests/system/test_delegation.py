# test_delegation.py: policy delegation, as Postfix 3.7 and 3.10 ask (SMTPD_POLICY_README)
# SPDX-License-Identifier: BSD-3-Clause
import pytest

from daemon import Daemon
from delegation import ATTRIBUTES_3_7, ATTRIBUTES_3_10, replies, request

PORT = 8711
ACTIONS = {
    "dane": "PREPEND X-Sealed: %c",
    "enforce": "INFO %d is sealed by MTA-STS",
    "may": "550 5.7.1 %d: %c: %r",
    "override": "HOLD",
    "tempfail": "DEFER_IF_PERMIT 4.7.5 %r",
}
MAY = ("550 5.7.1 plain.example: may: "
       "the MX RRset is insecure and no host has TLSA records: no policy")
RECIPIENTS = {
    "a@dane.example": "PREPEND X-Sealed: dane",
    "a@DANE.example.": "PREPEND X-Sealed: dane",
    "\"a@plain.example\"@dane.example": "PREPEND X-Sealed: dane",
    "a@b\u00fccher.example": "PREPEND X-Sealed: dane",
    "a@sts-plain.example": "INFO sts-plain.example is sealed by MTA-STS",
    "a@plain.example": MAY,
    "a@partner.example": "HOLD",
    "": "DUNNO",
    "postmaster": "DUNNO",
    "a@[192.0.2.1]": "DUNNO",
    "a@[mx.dane.example]": "DUNNO",
    "a@dane.example:25": "DUNNO",
    # A doubt: the servers never answer, the policy cannot be fetched.
    "a@silent.example": "DUNNO",
    "a@sts-404.example": "DUNNO",
}
MALFORMED = {
    "no request": b"recipient=a@dane.example\n\n",
    "no equals sign": b"request=smtpd_access_policy\nrecipient\n\n",
    "two recipients": b"request=smtpd_access_policy\nrecipient=a@b\nrecipient=c@d\n\n",
    "a line without end": b"request=" + b"x" * 8192,
    "too many attributes": b"request=smtpd_access_policy\n" + b"x=y\n" * 256,
    "socketmap": b"20:postfix dane.example,\n",
}


@pytest.fixture(scope="module")
def delegation(world, programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("delegation")
    overrides = folder / "overrides"
    overrides.write_text("partner.example encrypt\n", encoding="ascii")
    listener = {"address": f"inet:127.0.0.1:{PORT}", "protocol": "delegation"}
    with Daemon(world, folder, 8710, listen=[listener], delegation=ACTIONS,
                verdict={"overrides": str(overrides)}) as daemon_:
        yield daemon_


def ask(daemon, octets: bytes) -> str:
    with daemon.connect_to(PORT) as connection:
        connection.sendall(octets)
        return replies(connection, 1)[0]


@pytest.mark.parametrize("attributes", [ATTRIBUTES_3_7, ATTRIBUTES_3_10], ids=["3.7", "3.10"])
@pytest.mark.parametrize("recipient, action", RECIPIENTS.items())
def test_recipient(delegation, attributes, recipient, action):
    assert ask(delegation, request(recipient, attributes)) == action


def test_temporary_failure(delegation):
    action = ask(delegation, request("a@bogus.example"))
    assert action.startswith("DEFER_IF_PERMIT 4.7.5 ") and "bogus.example" in action


def test_several_recipients_at_data(delegation):
    octets = request("", ATTRIBUTES_3_10, protocol_state="DATA", recipient_count="3")
    assert ask(delegation, octets) == "DUNNO"


def test_a_connection_lives_on(delegation):
    with delegation.connect_to(PORT) as connection:
        for _ in range(3):
            for recipient in ("a@dane.example", "", "a@plain.example"):
                connection.sendall(request(recipient))
                assert replies(connection, 1) == [RECIPIENTS[recipient]]


def test_requests_in_a_row_are_answered_in_order(delegation):
    with delegation.connect_to(PORT) as connection:
        connection.sendall(request("a@silent.example") + request("a@dane.example") + request(""))
        assert replies(connection, 3) == ["DUNNO", "PREPEND X-Sealed: dane", "DUNNO"]


@pytest.mark.parametrize("octets", MALFORMED.values(), ids=MALFORMED)
def test_malformed_request_closes_that_connection_only(delegation, octets):
    with delegation.connect_to(PORT) as other, delegation.connect_to(PORT) as rude:
        rude.sendall(octets)
        assert rude.recv(1) == b""
        other.sendall(request("a@dane.example"))
        assert replies(other, 1) == ["PREPEND X-Sealed: dane"]


def test_explain_says_the_action(delegation):
    assert delegation.explain("dane.example")["delegation"] == "PREPEND X-Sealed: dane"
    assert "delegation: PREPEND X-Sealed: dane" in delegation.tool("explain", "dane.example").stdout
