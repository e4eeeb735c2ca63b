# test_probe.py: postseal probe predicts what real Postfix does, and says why
#
# The mail domains are those of mail.table, whose outcomes test_mail.py has of real Postfix.
# SPDX-License-Identifier: BSD-3-Clause
import json
import re

import pytest

import table
from daemon import Daemon
from world import addresses

OK, PROBLEM, USAGE, TEMPFAIL = 0, 1, 64, 75
DELIVERIES = table.read_deliveries()

# test_mail.py has them go by way of [mx]:587.
RELAYED = ("relay", "relay-wrong", "relay-port-25-only", "override-relay", "enforce-relay")
# Refused once they are told the sender, which a probe tells nobody.
LATER = ("partner", "partner-expired", "bank")
# The words of Postfix's log for how sure it is of the host.
SURENESS = {"Verified": "sealed", "Trusted": "encrypted", "Untrusted": "encrypted", "none": "clear"}


def key(domain: str) -> str:
    name = domain.removesuffix(".mail.example")
    return f"[mx.{domain}]:587" if name in RELAYED else domain


def expected_outcome(delivery: table.Delivery, map_name: str) -> tuple[str, str]:
    """Kind and host."""
    text = delivery.tlsrpt if map_name == "tlsrpt" else delivery.legacy
    how, _, what = text.partition(": ")
    if not how.startswith("sent by "):
        return how, ""
    host = how.removeprefix("sent by ")
    if not host.endswith(".example"):
        host += "." + delivery.domain.encode("idna").decode("ascii").lower()
    return SURENESS[what], host


def documents(text: str) -> list[dict]:
    found, decoder, at = [], json.JSONDecoder(), 0
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        found.append(document)
        at += 1  # the line's end
    return found


@pytest.fixture(scope="module")
def prober(world, programs, policies, tmp_path_factory) -> Daemon:
    """With the configuration of the daemon that test_mail.py's Postfix asks; never started."""
    folder = tmp_path_factory.mktemp("prober")
    return Daemon(world, folder, 1, verdict=policies.settings["verdict"])


@pytest.fixture(scope="module", params=["postfix", "tlsrpt"])
def map_name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def predicted(prober, map_name) -> dict[str, dict]:
    """All destinations by one process, by the key that was asked for."""
    keys = [key(delivery.domain) for delivery in DELIVERIES]
    result = prober.tool("probe", "--no-postfix", "--json", "--map", map_name, *keys)
    assert result.returncode == TEMPFAIL, result.stderr
    return dict(zip(keys, documents(result.stdout), strict=True))


@pytest.mark.parametrize("delivery", DELIVERIES, ids=lambda delivery: delivery.domain)
def test_predicts_what_postfix_does(predicted, map_name, delivery):
    found = predicted[key(delivery.domain)]
    if delivery.domain.removesuffix(".mail.example") in LATER:
        assert found["outcome"]["kind"] == "encrypted"
        return
    outcome = found["outcome"]["kind"], found["outcome"]["host"]
    assert outcome == expected_outcome(delivery, map_name), json.dumps(found, indent=1)
    assert found["outcome"]["why"]


STATUSES = [
    ("dane.mail.example", OK, "sealed at its only address"),
    ("enforce.mail.example", OK, "the same by MTA-STS"),
    ("plain.mail.example", PROBLEM, "encrypted, but not sealed"),
    ("plain-no-starttls.mail.example", PROBLEM, "in the clear"),
    ("dane-two-first-wrong.mail.example", PROBLEM, "sealed, but not to every host"),
    ("address-dead.mail.example", PROBLEM, "sealed, but not at every address"),
    ("null-mx.mail.example", PROBLEM, "bounced"),
    ("dane-wrong.mail.example", TEMPFAIL, "deferred"),
    ("bogus.mail.example", TEMPFAIL, "deferred"),
]


@pytest.mark.parametrize("domain, status, why", STATUSES, ids=lambda value: str(value))
def test_exit_status(prober, domain, status, why):
    result = prober.tool("probe", "--no-postfix", domain)
    assert result.returncode == status, why + "\n" + result.stdout + result.stderr


SAID = [
    ("dane.mail.example", "Postfix delivers, sealed: TLSA 3 1 1 "),
    ("dane.mail.example", "mail      goes sealed to mx.dane.mail.example: "),
    ("dane-ta-expired.mail.example", "TLSA 2 1 1 .* matches, but certificate expired on "),
    ("dane-ta-key-left-out.mail.example", "TLSA 2 1 0 .*: matches certificate 1"),
    ("dane-agility.mail.example", "TLSA 3 1 1 .*: beside 3 1 2 its digest does not count"),
    ("enforce-intermediate-left-out.mail.example", "no chain to the trust store "
                                                   r"\(issuer CN=postseal test intermediate\)"),
    ("enforce-wrong-name.mail.example", "the certificate is for www.enforce-wrong-name"),
    ("enforce-first-outside.mail.example", "MTA-STS   not satisfied: mx.enforce-first-outside."
                                           "mail.example matches no mx of the policy"),
    ("testing.mail.example", "MTA-STS   not satisfied: certificate is self-signed"),
    ("busy.mail.example", r"\] the host takes no mail now: the greeting is 421 too busy"),
    ("dead-mx.example", r"\] the host cannot be reached: .*Connection refused"),
    ("plain.mail.example", "DANE      none is published: "),
    ("dane-fails.mail.example", "DANE      not known: "),
    ("enforce-first-outside.mail.example", "mx.enforce-first-outside.mail.example is not a host that the policy names"),
    ("policy-404.mail.example", r"MTA-STS   the policy could not be fetched \(status\): "),
    ("plain.mail.example", "Postfix   a Postfix of today, map postfix has no policy: "
                           "smtp_tls_security_level = dane counts"),
    ("dane.mail.example", "Postfix   a Postfix of today, map postfix: dane-only"),
    ("refuses-tls.mail.example", "STARTTLS is refused: 454 4.7.0 not now"),
    ("old-tls-dane.mail.example", "TLS1.1 only, which is too old"),
    ("injected-dane.mail.example", "16 bytes in plain text behind the answer, as an attacker"),
    ("cut-enforce.mail.example", "TLS is required, but .* in the TLS handshake"),
    ("nxdomain.mail.example", "mail      is bounced: nxdomain.mail.example does not exist"),
    ("dead-mx.example", "Connection refused"),
]


@pytest.fixture(scope="module")
def texts(prober) -> dict[str, str]:
    """What a person reads, by the domain that begins it."""
    output = prober.tool("probe", "--no-postfix", *dict.fromkeys(domain for domain, _ in SAID)).stdout
    assert "\033" not in output, "no colours for what is not a terminal"
    parts = re.split(r"^(\S+): ", output, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2]))


@pytest.mark.parametrize("domain, words", SAID)
def test_says_why(texts, domain, words):
    assert re.search(words, texts[domain]), texts[domain]


@pytest.mark.parametrize("domain", ["bogus.mail.example", "bogus-mx.mail.example",
                                    "null-mx.mail.example", "nxdomain.mail.example"])
def test_a_cause_is_said_once(prober, domain):
    text = prober.tool("probe", "--no-postfix", domain).stdout
    mail, = re.findall(r"^  mail +is \S+: (.*)$", text, re.MULTILINE)
    cause = mail.partition(" is bogus: ")[2] or mail
    assert cause and text.count(cause) == 1, text


def test_facts(prober, world):
    result = prober.tool("probe", "--no-postfix", "--json", "dane.mail.example")
    found = json.loads(result.stdout)
    assert found["verdict"] == {"text": "dane-only", "row": 6}
    host, = found["hosts"]
    address, = host["addresses"]
    assert address["address"] == world.mail_sink.address("mx.dane.mail.example")
    assert list(address["took_ms"]) == ["connect", "greeting", "EHLO", "STARTTLS", "TLS handshake"]
    tls = address["tls"]
    assert (tls["version"], tls["server_name"]) == ("TLS1.3", "mx.dane.mail.example")
    own, authority = tls["chain"]
    assert own["dns_names"] == ["mx.dane.mail.example"]
    assert own["issuer"] == authority["subject"] == "CN=postseal test authority"
    record, = tls["tlsa"]
    assert record["record"] == f"3 1 1 {own['key_sha256']}"
    assert (record["result"], record["depth"]) == ("matched", 0)


def test_no_greeting(prober):
    result = prober.tool("probe", "--no-postfix", "--timeout", "1s", "silent-mx.example")
    assert result.returncode == TEMPFAIL
    assert "no greeting within 1 s" in result.stdout


def test_ipv6(prober):
    result = prober.tool("probe", "--no-postfix", "v6-only.example")
    assert result.returncode == OK, result.stdout
    assert f"[{addresses.MAIL_HOST_V6}] Postfix delivers, sealed" in result.stdout
    result = prober.tool("probe", "--no-postfix", "--ipv4", "v6-only.example")
    assert result.returncode == TEMPFAIL
    assert "has no address of this family" in result.stdout


def test_one_host(prober):
    host = "mx2.dane-two-first-wrong.mail.example"
    result = prober.tool("probe", "--no-postfix", "--json", "--host", host, "dane-two-first-wrong.mail.example")
    assert result.returncode == OK
    assert [found["name"] for found in json.loads(result.stdout)["hosts"]] == [host]


def test_port(prober):
    result = prober.tool("probe", "--no-postfix", "--port", "587", "[mx.relay.mail.example]")
    assert result.returncode == OK, "TLSA at _587._tcp is right, at _25._tcp wrong"


@pytest.mark.parametrize("arguments, words", [
    ([".dane.mail.example"], "not a destination"),
    (["--port", "smtpd", "dane.mail.example"], "no destination"),
    (["--host", "mx.elsewhere.example", "dane.mail.example"], "has no MX host"),
    (["--map", "nosuchmap", "dane.mail.example"], "tlsrpt"),
    (["--map", "requiretls", "dane.mail.example"], "requiretls"),
    (["--timeout", "soon", "dane.mail.example"], "10s"),
])
def test_usage(prober, arguments, words):
    result = prober.tool("probe", "--no-postfix", *arguments)
    assert result.returncode == USAGE
    assert words in result.stderr
