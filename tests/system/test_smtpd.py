# test_smtpd.py: what real smtpd(8) does with the actions of policy delegation
# (SMTPD_POLICY_README), one of each kind that the configuration takes (access(5))
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import re
import socket
import time
from dataclasses import dataclass, field

import pytest

from daemon import Daemon
from delegation import ATTRIBUTES_3_7, ATTRIBUTES_3_10
from postfix import policy_map

FIRST_PORT = 8600  # postseald: socketmap, delegation; smtpd(8): ten further on
PATIENCE = 20  # seconds

DOMAINS = {
    "dane": "dane.mail.example",
    "enforce": "enforce.mail.example",
    "may": "plain.mail.example",
    "override": "override-stronger.mail.example",
    "tempfail": "both-fails.mail.example",
}
WHY = "TLSA lookup of _25._tcp.mx.both-fails.mail.example failed: SERVFAIL"


@dataclass(frozen=True)
class Case:
    verdict_class: str
    action: str
    code: int  # of the reply to RCPT
    said: str = ""  # in that reply
    logged: str = ""  # by smtpd(8) or cleanup(8), before "RCPT from"
    header: str = ""  # of what arrives
    arrives: dict[str, str] = field(default_factory=dict)  # recipient, by the MX of which domain

    @property
    def recipient(self) -> str:
        return f"{self.action.split()[0].lower()}@{DOMAINS[self.verdict_class]}"

    def __str__(self) -> str:
        return self.action.split()[0]


# A daemon has one action for each class: a group each.
GROUPS = [[
    Case("dane", "DUNNO", 250, arrives={"dunno@dane.mail.example": "dane"}),
    Case("enforce", "OK", 250, arrives={"ok@enforce.mail.example": "enforce"}),
    Case("may", "REJECT %d is %c", 554, "plain.mail.example is may"),
    Case("override", "DEFER 100%% %c", 450, "100% override"),
    Case("tempfail", "550 5.7.10 %r", 550,
         f"5.7.10 <550@both-fails.mail.example>: Recipient address rejected: {WHY}"),
], [
    Case("dane", "PREPEND X-Sealed: %c by %d", 250, header="X-Sealed: dane by dane.mail.example",
         arrives={"prepend@dane.mail.example": "dane"}),
    Case("enforce", "HOLD %c", 250, logged="hold"),
    Case("may", "DISCARD %c", 250, logged="discard"),
    Case("override", "WARN %c", 250, logged="warn",
         arrives={"warn@override-stronger.mail.example": "override-stronger"}),
    Case("tempfail", "DEFER_IF_PERMIT %r", 450, WHY),
], [
    Case("dane", "REDIRECT redirected@enforce.mail.example", 250,
         arrives={"redirected@enforce.mail.example": "enforce"}),
    Case("enforce", "BCC copy@dane.mail.example", 250,
         arrives={"bcc@enforce.mail.example": "enforce", "copy@dane.mail.example": "dane"}),
    Case("may", "FILTER smtp:[mx.testing.mail.example]:25", 250,
         arrives={"filter@plain.mail.example": "testing"}),
    Case("override", "INFO %c", 250, logged="info",
         arrives={"info@override-stronger.mail.example": "override-stronger"}),
    Case("tempfail", "DEFER_IF_REJECT %r", 450, WHY),
]]
CASES = [case for group in GROUPS for case in group]
ARRIVING = {to for case in CASES for to in case.arrives}

# DEFER_IF_REJECT needs something that rejects afterwards.
THEN = f"check_recipient_access inline:{{{{{DOMAINS['tempfail']}=REJECT}}}}"
# The first group's daemon is asked at every stage; at MAIL there is no recipient yet.
EVERY_STAGE = """\
  -o smtpd_delay_reject=no
  -o smtpd_sender_restrictions=$policy_0
  -o smtpd_data_restrictions=$policy_0
  -o smtpd_end_of_data_restrictions=$policy_0
"""


def delegation_port(group: int) -> int:
    return FIRST_PORT + group + len(GROUPS)


def smtpd_port(group: int) -> int:
    return FIRST_PORT + group + 10


@pytest.fixture(scope="module")
def servers(world, programs, tmp_path_factory):
    """A postseald for each group."""
    with contextlib.ExitStack() as stack:
        for number, group in enumerate(GROUPS):
            folder = tmp_path_factory.mktemp("delegation")
            overrides = folder / "overrides"
            overrides.write_text(f"{DOMAINS['override']} encrypt\n", encoding="ascii")
            address = f"inet:127.0.0.1:{delegation_port(number)}"
            stack.enter_context(Daemon(
                world, folder, FIRST_PORT + number,
                listen=[{"address": address, "protocol": "delegation"}],
                delegation={case.verdict_class: case.action for case in group},
                verdict={"overrides": str(overrides)},
            ))
        yield


@pytest.fixture(scope="module")
def postfix(release, world, servers, policies, new_postfix):
    settings = {
        "smtp_tls_security_level": "may",
        "smtp_tls_policy_maps": policies.socketmap(policy_map(release)),
    }
    services = ""
    for number in range(len(GROUPS)):
        policy = f"check_policy_service inet:127.0.0.1:{delegation_port(number)}"
        settings[f"policy_{number}"] = policy
        settings[f"restrictions_{number}"] = f"{policy}, {THEN}" if number == 2 else policy
        services += f"127.0.0.1:{smtpd_port(number)} inet n - n - - smtpd\n"
        services += f"  -o smtpd_recipient_restrictions=$restrictions_{number}\n"
        services += EVERY_STAGE if number == 0 else ""
    for to in ARRIVING:  # by another version
        world.mail_sink.received.pop(to, None)
    with new_postfix(release, settings, services) as postfix_:
        yield postfix_


@pytest.fixture(scope="module")
def replies(postfix, world) -> dict[str, tuple[int, str]]:
    """To RCPT, by action; once all that should arrive has arrived."""
    found = {}
    for number, group in enumerate(GROUPS):
        with postfix.client(smtpd_port(number)) as client:
            client.ehlo()
            for case in group:
                client.mail("")
                code, text = client.rcpt(case.recipient)
                found[case.action] = code, text.decode()
                if code == 250:
                    assert client.data("Subject: a test\n\nHello.\n")[0] == 250
                client.rset()
    end = time.monotonic() + PATIENCE
    while not world.mail_sink.received.keys() >= ARRIVING and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_action(postfix, world, replies, case):
    code, text = replies[case.action]
    assert (code, case.said in text) == (case.code, True), text
    if case.logged:
        pattern = rf"{case.logged}: RCPT from .* {case.verdict_class}; .*to=<{case.recipient}>"
        assert re.search(pattern, postfix.log_text()), pattern
    for to, domain in case.arrives.items():
        assert to in world.mail_sink.received, postfix.log_text()
        received = world.mail_sink.received[to]
        assert received.address == world.mail_sink.address(f"mx.{domain}.mail.example")
        assert case.header in received.message
    if case.recipient not in case.arrives:
        assert case.recipient not in world.mail_sink.received


def test_several_recipients(postfix, world, replies):
    """At DATA and END-OF-MESSAGE the attribute recipient is empty then."""
    recipients = ["several@dane.mail.example", "several@enforce.mail.example"]
    with postfix.client(smtpd_port(0)) as client:
        assert client.sendmail("", recipients, "Subject: a test\n\nHello.\n") == {}


def test_attributes(release, new_postfix):
    """Those that the other tests and the fuzz corpus send are those of this version."""
    with socket.create_server(("127.0.0.1", 0)) as recorder:
        address = f"inet:127.0.0.1:{recorder.getsockname()[1]}"
        policy = f"check_policy_service {address}"
        with (
            new_postfix(release, {"smtpd_recipient_restrictions": policy}) as postfix_,
            postfix_.client() as client,
        ):
            request = ask_once(client, recorder)
    names = [line.partition("=")[0] for line in request.splitlines()]
    expected = ATTRIBUTES_3_10 if release.version >= (3, 10) else ATTRIBUTES_3_7
    assert names == list(expected)


def ask_once(client, recorder: socket.socket) -> str:
    client.ehlo()
    client.mail("")
    client.putcmd("rcpt to:<user@dane.mail.example>")
    request = read_request(recorder)
    assert client.getreply()[0] == 250
    return request


def read_request(listener: socket.socket) -> str:
    """One request, answered."""
    listener.settimeout(PATIENCE)
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(PATIENCE)
        octets = b""
        while not octets.endswith(b"\n\n"):
            octets += connection.recv(4096)
        connection.sendall(b"action=DUNNO\n\n")
    return octets.decode().rstrip("\n")
