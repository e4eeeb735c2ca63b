# test_addresses.py: overrides of addresses: real Postfix asks for them as it delivers, and obeys;
# the tool sets, lists and explains them
# SPDX-License-Identifier: BSD-3-Clause
import json

import pytest

from daemon import Daemon
from postfix import policy_map
from postmap import NOT_FOUND, postmap
from resources import patience
from world import addresses
from world.mail_catalogue import MAIL_HOSTS

PORT = 8495
TCP_PORT = 8496


def address_of(domain: str) -> str:
    return next(host.address for host in MAIL_HOSTS if host.name == f"mx.{domain}")


PLAIN = address_of("plain.mail.example")
NO_STARTTLS = address_of("plain-no-starttls.mail.example")
SELF_SIGNED = address_of("plain-self-signed.mail.example")
V6 = addresses.MAIL_HOST_V6
OVERRIDES = f"""\
[{PLAIN}] secure match=mx.plain.mail.example
[{PLAIN}]:587 secure match=another.example
{NO_STARTTLS} encrypt # without brackets it is the same
[IPv6:{V6}] secure match=mx.v6-only.example
"""
RELAYS = {  # the domain's nexthop in transport(5)
    "port.test": f"[{PLAIN}]:submission",
    "bare.test": NO_STARTTLS,
    "bare-port.test": f"{PLAIN}:587",
    "v6.test": f"[{V6}]:25",
    "v6-tagged.test": f"[ipv6:{V6.upper()}]:smtp",
    "v6-port.test": f"[{V6}]:587",
    "without.test": f"[{SELF_SIGNED}]",
}
WHAT_HAPPENS = {  # the status, the level or a text of the log
    f"[{PLAIN}]": ("sent", "Verified"),
    "port.test": ("deferred", "Server certificate not verified"),
    "bare.test": ("deferred", "TLS is required, but was not offered"),
    "bare-port.test": ("deferred", "Server certificate not verified"),
    f"[IPv6:{V6}]": ("sent", "Verified"),
    "v6.test": ("sent", "Verified"),
    "v6-tagged.test": ("sent", "Verified"),
    "v6-port.test": ("sent", "Trusted"),  # another port is another key
    "without.test": ("sent", "Untrusted"),
}


@pytest.fixture(scope="module")
def overriding(world, programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("addresses")
    overrides = folder / "overrides"
    overrides.write_text(OVERRIDES, encoding="ascii")
    listen = [{"address": f"inet:127.0.0.1:{TCP_PORT}", "protocol": "tcp_table",
               "maps": ["postfix"]}]
    with Daemon(world, folder, PORT, verdict={"overrides": str(overrides)},
                listen=listen) as daemon_:
        yield daemon_


def test_postfix_asks_for_addresses_and_obeys(world, overriding, new_postfix, release):
    transports = " ".join(f"{{{domain} = smtp:{nexthop}}}" for domain, nexthop in RELAYS.items())
    expected = {f"{release.name}@{domain}": what for domain, what in WHAT_HAPPENS.items()}
    with new_postfix(release, {
        "inet_protocols": "all",
        "smtp_tls_security_level": "may",
        "smtp_tls_policy_maps": overriding.socketmap(policy_map(release)),
        "transport_maps": f"inline:{{{transports}}}",
    }) as postfix:
        postfix.send(list(expected))
        outcomes = postfix.outcomes(list(expected), patience(40))
    assert expected.keys() <= outcomes.keys()
    for to, (status, what) in expected.items():
        outcome = outcomes[to]
        assert outcome.status == status, (to, outcome)
        assert what == outcome.tls or what in outcome.text, (to, outcome)


def test_every_way_of_asking_agrees(overriding, postmap_folder):
    policy = "secure match=mx.plain.mail.example"
    for key in (f"[{PLAIN}]", PLAIN, f"[{PLAIN}]:smtp", f"{PLAIN}:25"):
        assert postmap(postmap_folder, key, f"inet:127.0.0.1:{PORT}:tlsrpt") == policy
        assert postmap(postmap_folder, key, f"tcp:127.0.0.1:{TCP_PORT}") == policy
        assert overriding.tool("query", key).stdout == policy + "\n"
    explained = json.loads(overriding.tool("explain", "--json", f"admin@[{PLAIN}]").stdout)
    assert explained["override"]["line"] == 1
    direct = json.loads(overriding.tool("explain", "--json", "--direct", PLAIN).stdout)
    assert direct["override"] == explained["override"]
    assert direct["replies"] == explained["replies"]
    assert postmap(postmap_folder, "[192.0.2.7]", f"inet:127.0.0.1:{PORT}:postfix") == NOT_FOUND


def test_the_tool_sets_and_removes_them(overriding, postmap_folder):
    def answer(key: str) -> str:
        return postmap(postmap_folder, key, f"inet:127.0.0.1:{PORT}:postfix")

    def tool(*arguments: str) -> str:
        result = overriding.tool(*arguments)
        assert result.returncode == 0 and result.stderr == "", result
        return result.stdout

    assert answer("[2001:db8::7]:465") == NOT_FOUND
    tool("overrides", "set", "[IPv6:2001:DB8::7]:submissions", "encrypt", "--until", "2100-01-01")
    assert answer("[2001:db8::7]:465") == "encrypt"
    assert "[2001:db8::7]:465" in tool("overrides", "list")
    assert "good; 5 overrides" in tool("overrides", "check")
    assert "[2001:db8::7]:465" in tool("list", "--class", "override")
    assert "[2001:db8::7]:465 encrypt\n" in tool("export").replace("\t", " ")
    assert overriding.tool("export", "--json").stdout == "", "import takes no addresses"
    tool("overrides", "remove", "[2001:db8::7]:465")
    assert answer("[2001:db8::7]:465") == NOT_FOUND
    tool("overrides", "set", "*", "may")
    assert answer("[2001:db8::7]:465") == "may" == answer("any.example")
    tool("overrides", "remove", "*")
    assert answer("[2001:db8::7]:465") == NOT_FOUND
    refused = overriding.tool("overrides", "set", "2001:db8::7", "may")
    assert refused.returncode == 65 and "[IPv6:2001:db8::1]" in refused.stderr
