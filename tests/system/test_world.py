# test_world.py: the world is as wrong as it should be (looked at by libunbound and by Python's TLS)
# SPDX-License-Identifier: BSD-3-Clause
import http.client
import socket
import ssl

import pytest

from resolver import Resolver
from world import addresses
from world.catalogue import POLICY_HOSTS, ZONES, State
from world.policy_server import PATH

DNS = [
    ("dane.example", "MX", "secure NOERROR 1"),
    ("mx.dane.example", "A", "secure NOERROR 1"),
    ("mx.dane.example", "AAAA", "secure NOERROR 0"),
    ("_25._tcp.mx.dane.example", "TLSA", "secure NOERROR 1"),
    ("_25._tcp.mx.dane-ta-whole.example", "TLSA", "secure NOERROR 1"),
    ("_25._tcp.mx.sts-one.example", "TLSA", "secure NXDOMAIN 0"),
    ("dane-hashed.example", "MX", "secure NOERROR 1"),
    ("hashed.example", "MX", "secure NOERROR 1"),
    ("_25._tcp.mx.hashed.example", "TLSA", "secure NXDOMAIN 0"),
    ("below.hashed.example", "MX", "insecure NOERROR 1"),
    ("plain.example", "MX", "insecure NOERROR 1"),
    ("_25._tcp.mx.plain.example", "TLSA", "insecure NOERROR 1"),
    ("nxdomain.example", "MX", "secure NXDOMAIN 0"),
    ("bogus.example", "MX", "bogus NOERROR 1"),
    ("bogus-ds.example", "MX", "bogus NOERROR 1"),
    ("bogus-expired.example", "MX", "bogus NOERROR 1"),
    ("bogus-stripped.example", "MX", "bogus NOERROR 1"),
    ("bogus-mx.example", "MX", "bogus NOERROR 1"),
    ("mx.bogus-mx.example", "A", "secure NOERROR 1"),
    ("lame.example", "MX", "insecure SERVFAIL 0"),
    ("failing.example", "MX", "insecure SERVFAIL 0"),
    ("_25._tcp.mx.tlsa-fails-one.example", "TLSA", "insecure SERVFAIL 0"),
    ("_25._tcp.mx2.tlsa-fails-one.example", "TLSA", "secure NOERROR 1"),
    ("_25._tcp.mx.tlsa-insecure.example", "TLSA", "insecure NOERROR 1"),
    ("_25._tcp.mx.tlsa-spoilt.example", "TLSA", "bogus NOERROR 1"),
    ("mx.host-spoilt.example", "A", "bogus NOERROR 1"),
    ("mx.dane-v6-spoilt.example", "A", "secure NOERROR 1"),
    ("mx.dane-v6-spoilt.example", "AAAA", "bogus NOERROR 1"),
    ("null-mx.example", "MX", "secure NOERROR 1"),
    ("implicit-mx.example", "MX", "secure NOERROR 0"),
    ("many-hosts.example", "MX", "secure NOERROR 40"),
    ("alias.example", "MX", "secure NOERROR 1"),
    ("alias-insecure.example", "MX", "insecure NOERROR 1"),
    ("mx.cname-target.example", "A", "secure NOERROR 1"),
    ("mx.cname-insecure-target.example", "A", "insecure NOERROR 1"),
    ("mx.cname-plain.example", "A", "insecure NOERROR 1"),
    ("_mta-sts.sts-one.example", "TXT", "secure NOERROR 1"),
    ("_mta-sts.sts-two-records.example", "TXT", "secure NOERROR 2"),
    ("_mta-sts.sts-cname-record.example", "TXT", "secure NOERROR 1"),
    ("_mta-sts.sts-record-spoilt.example", "TXT", "bogus NOERROR 1"),
    ("mta-sts.sts-v6.example", "A", "secure NOERROR 0"),
    ("mta-sts.sts-v6.example", "AAAA", "secure NOERROR 1"),
]

CERTIFICATES = {
    "good": None,
    "intermediate": None,
    "wildcard": None,
    "expired": "expired",
    "not yet valid": "not yet valid",
    "wrong name": "Hostname mismatch",
    "untrusted": "unable to get local issuer",
    "self-signed": "self-signed",
    "name in CN only": "Hostname mismatch",
    "intermediate left out": "unable to get local issuer",
}


@pytest.fixture(scope="module")
def resolver(world):
    resolver_ = Resolver(world.trust_anchor, world.root_hints)
    yield resolver_
    resolver_.close()


@pytest.mark.parametrize("name, rtype, status", DNS)
def test_dns(resolver, name, rtype, status):
    assert resolver.status(name, rtype) == status


def test_every_signed_zone_is_secure(resolver):
    """But for what is spoilt in it: the name server's own address never is. Of those that are there
    for all tests."""
    for zone in ZONES.values():
        if zone.state == State.SIGNED and zone.server == addresses.ZONE_SERVER:
            assert resolver.status(f"ns.{zone.name}", "A") == "secure NOERROR 1", zone.name


@pytest.fixture(scope="module")
def trust(world):
    context = ssl.create_default_context(cafile=str(world.ca_file))
    context.hostname_checks_common_name = False
    return context


def fetch(trust, domain: str, address: str = addresses.POLICY_HOST) -> http.client.HTTPResponse:
    connection = http.client.HTTPSConnection(f"mta-sts.{domain}", context=trust)
    plain = socket.create_connection((address, 443), timeout=5)
    connection.sock = trust.wrap_socket(plain, server_hostname=f"mta-sts.{domain}")
    connection.request("GET", PATH)
    return connection.getresponse()


@pytest.mark.parametrize("kind, fault", CERTIFICATES.items(), ids=CERTIFICATES)
def test_certificate(world, trust, kind, fault):
    domain = next(d for d, host in POLICY_HOSTS.items() if host.certificate == kind)
    if fault is None:
        assert fetch(trust, domain).status == 200
        return
    with pytest.raises(ssl.SSLCertVerificationError, match=fault):
        fetch(trust, domain)


@pytest.mark.parametrize("domain, status, media_type", [
    ("sts-one.example", 200, "text/plain"),
    ("sts-404.example", 404, "text/plain"),
    ("sts-503.example", 503, "text/plain"),
    ("sts-redirect.example", 302, "text/plain"),
    ("sts-html.example", 200, "text/html"),
    ("sts-no-type.example", 200, None),
    ("sts-charset.example", 200, "text/plain; charset=utf-8"),
])
def test_http(world, trust, domain, status, media_type):
    before = world.policy_server.requests[domain]
    response = fetch(trust, domain)
    assert (response.status, response.getheader("Content-Type")) == (status, media_type)
    assert response.read() == POLICY_HOSTS[domain].body
    assert world.policy_server.requests[domain] == before + 1


@pytest.mark.parametrize("domain", ["sts-chunked.example", "sts-until-close.example"])
def test_body(world, trust, domain):
    assert fetch(trust, domain).read() == POLICY_HOSTS[domain].body


def test_truncated_body(world, trust):
    with pytest.raises(http.client.IncompleteRead):
        fetch(trust, "sts-truncated.example").read()


def test_ipv6(world, trust):
    assert fetch(trust, "sts-v6.example", addresses.POLICY_HOST_V6).status == 200


def test_old_tls(world, trust):
    with pytest.raises(ssl.SSLError):
        fetch(trust, "sts-old-tls.example", addresses.OLD_TLS_HOST)


def test_refusing_host(world, trust):
    with pytest.raises(ConnectionRefusedError):
        fetch(trust, "sts-refused.example", addresses.REFUSING_HOST)
