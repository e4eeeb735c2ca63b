# world.py: domains that are looked up for the first time, each kind with its own way through DNS
#
# A root, three top-level domains and, for each try of each kind, a domain of its own, so that no
# lookup leaves anything in a cache for the next. "Cold": its providers are its own, too. "Warm":
# they are those of another domain of the kind, which is asked for first. Zones are signed by ECDSA
# P-256; the top-level domains by NSEC3 with opt-out, as large ones are.
# SPDX-License-Identifier: BSD-3-Clause
import hashlib
import pathlib
from dataclasses import dataclass, field

import dns.name
import dns.zone

from world import signing

# As seen through the relay (relay.cpp); what is there listens at 10.53 instead of 10.54.
ROOT, GTLD, ORG = "10.54.0.1", "10.54.1.1", "10.54.1.2"
OWN, MAIL_PROVIDER, POLICY_PROVIDER = "10.54.2.1", "10.54.3.1", "10.54.4.1"
POLICY_HOST, MAIL_HOST = "10.54.5.1", "10.54.6.1"
HOSTER, HOSTER_V6 = "10.54.7.1", "fd00:36::7"
CLIENT, CLIENT_V6 = "10.54.255.1", "fd00:36::255"
NAME_SERVERS = (ROOT, GTLD, ORG, OWN, MAIL_PROVIDER, POLICY_PROVIDER, HOSTER, HOSTER_V6)
WARM = ("warm.com", "warm.net", "warm.org")

TLSA = "3 1 1 " + hashlib.sha256(b"a mail host's key").hexdigest()
RECORD = '_mta-sts TXT "v=STSv1; id=20260101T000000;"'


@dataclass(frozen=True)
class Kind:
    name: str
    title: str
    recorded: int  # round trips; one more is a regression
    goal: int
    warm: bool = False  # its providers are known


KINDS = (
    Kind("dane", "DANE, MX in zone", 3, 3),
    Kind("danep", "DANE, MX at a provider, cold", 5, 5),
    Kind("danepw", "DANE, MX at a provider, warm", 2, 2, warm=True),
    Kind("both", "DANE and MTA-STS", 3, 3),
    Kind("stsp", "MTA-STS, policy host a CNAME to a provider, cold", 8, 7),
    Kind("stspw", "MTA-STS, policy host a CNAME to a provider, warm", 6, 6, warm=True),
    Kind("sts", "MTA-STS, policy host in the zone", 6, 6),
    Kind("plain", "neither, unsigned, cold", 4, 4),
    Kind("plainw", "neither, unsigned, warm", 2, 2, warm=True),
    Kind("signed", "neither, signed, cold", 4, 4),
    Kind("signedw", "neither, signed, warm", 2, 2, warm=True),
    # With a name server elsewhere, of which the parent has no address.
    Kind("hosted", "neither, MX in zone, DNS at a hoster, cold", 5, 5),
    Kind("hostedv6", "neither, MX in zone, DNS at a hoster by IPv6 only, cold", 5, 5),
)


@dataclass
class Zone:
    name: str  # without a dot at the end; the root's is empty
    server: str
    records: list[str]
    signed: bool = False
    nsec3: bool = False
    hoster: str = ""  # whose name server it has; empty: its own
    delegations: list[str] = field(default_factory=list)  # in its parent

    def write(self, folder: pathlib.Path) -> str:
        """The trust anchor, if it is signed; the parent's records are in `delegations`."""
        origin = dns.name.from_text(self.name or ".")
        head = [f"$ORIGIN {origin}", "$TTL 3600", "@ SOA ns hostmaster 1 3600 600 86400 3600"]
        text = "\n".join([*head, *self.records, ""])
        self.delegations = [f"{origin} NS ns1.{origin}", f"{origin} NS ns2.{origin}",
                            f"ns1.{origin} {_address(self.server)}",
                            f"ns2.{origin} {_address(self.server)}"]
        if self.hoster:
            self.delegations = [f"{origin} NS ns1.{self.hoster}."]
        anchor = ""
        if self.signed:
            key = signing.Key()
            zone = dns.zone.from_text(text, origin=origin, relativize=False)
            signing.sign(zone, key, nsec3=self.nsec3, opt_out=self.nsec3)
            text = zone.to_text(relativize=False)
            self.delegations.append(f"{origin} DS {key.ds(origin)}")
            anchor = signing.trust_anchor(origin, key)
        (folder / f"{self.name or 'root'}.zone").write_text(text, encoding="ascii")
        return anchor


def _address(server: str) -> str:
    return f"{'AAAA' if ':' in server else 'A'} {server}"


def _own_zone(name: str, records: list[str], signed: bool, server: str = OWN) -> Zone:
    servers = [line for n in ("ns1", "ns2")
               for line in (f"@ NS {n}", f"{n} {_address(server)}")]
    return Zone(name, server, servers + records, signed)


def _host(name: str, dane: bool) -> list[str]:
    addresses = [f"{name} A {MAIL_HOST}", f"{name} AAAA 2001:db8::25"]
    return addresses + [f"_25._tcp.{name} TLSA {TLSA}"] * dane


def domain_of(kind: Kind, number: int) -> str:
    """Of a warm kind the number 0 is what is asked first."""
    return f"{kind.name}{number}.com"


def reply_of(kind: Kind, domain: str) -> str:
    if kind.name.startswith(("dane", "both")):
        return "OK dane-only"
    if kind.name.startswith("sts"):
        return f"OK secure match={pattern_of(domain)} servername=hostname"
    return "NOTFOUND "


def pattern_of(domain: str) -> str:
    return f"mx.{domain}"


def _zones_of(kind: Kind, number: int) -> list[Zone]:
    name = domain_of(kind, number)
    of = f"{kind.name}{0 if kind.warm else number}"  # its providers
    provided = number == 0 or not kind.warm
    zones = []
    if kind.name in ("dane", "both"):
        policy = [RECORD, f"mta-sts A {POLICY_HOST}"] if kind.name == "both" else []
        return [_own_zone(name, ["@ MX 10 mx", *_host("mx", True), *policy], True)]
    if kind.name.startswith("hosted"):
        server = HOSTER_V6 if kind.name == "hostedv6" else HOSTER
        hoster = f"{of}-dns.net"
        zones.append(_own_zone(hoster, [], False, server))
        own = [f"@ NS ns1.{hoster}.", "@ MX 10 mx", *_host("mx", False)]
        zones.append(Zone(name, server, own, hoster=hoster))
        return zones
    if kind.name.startswith("danep"):
        provider = f"{of}-mail.net"
        records = [f"@ MX {n}0 mx{n}.{provider}." for n in (1, 2)]
        hosts = _host("mx1", True) + _host("mx2", True)
        zones.append(_own_zone(name, records, True))
        if provided:
            zones.append(_own_zone(provider, hosts, True, MAIL_PROVIDER))
        return zones
    provider = f"{of}-mail.net"
    records = [f"@ MX 10 mx.{provider}."]
    if provided:
        zones.append(_own_zone(provider, _host("mx", False), False, MAIL_PROVIDER))
    if kind.name == "sts":
        records += [RECORD, f"mta-sts A {POLICY_HOST}"]
    elif kind.name.startswith("stsp"):
        records += [RECORD, f"mta-sts CNAME policy.{of}-sts.org."]
        if provided:
            policy = [f"policy A {POLICY_HOST}"]
            zones.append(_own_zone(f"{of}-sts.org", policy, False, POLICY_PROVIDER))
    zones.append(_own_zone(name, records, kind.name.startswith("signed")))
    return zones


def write(folder: pathlib.Path, tries: int, bulk: int = 0) -> tuple[list[Zone], str]:
    """All zones, and the trust anchor. `bulk`: so many domains more of the kind "stspw"."""
    zones = [_own_zone(name, ["@ MX 10 mx", *_host("mx", False)], True) for name in WARM]
    for kind in KINDS:
        first = 0 if kind.warm else 1
        last = tries + (bulk if kind.name == BULK else 0)
        for number in range(first, last + 1):
            zones += _zones_of(kind, number)
    for zone in zones:
        zone.write(folder)
    tlds = []
    for tld, server in (("com", GTLD), ("net", GTLD), ("org", ORG)):
        below = [line for zone in zones if zone.name.endswith(f".{tld}")
                 for line in zone.delegations]
        zone = _own_zone(tld, below, True, server)
        zone.nsec3 = True
        zone.write(folder)
        tlds.append(zone)
    root = _own_zone("", [line for zone in tlds for line in zone.delegations], True, ROOT)
    anchor = root.write(folder)
    return [*zones, *tlds, root], anchor


BULK = "stspw"
