# signing.py: DNSSEC for one zone (RFC 4033 to 4035, RFC 5155), right or wrong on purpose
#
# Keys are made anew each time: ECDSA P-256, one key for everything in a zone. All in memory, so a
# hundred zones take a second and any signature can be spoilt.
# SPDX-License-Identifier: BSD-3-Clause
import base64
import time

import dns.dnssec
import dns.flags
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

IN = dns.rdataclass.IN
T = dns.rdatatype.RdataType
DAY = 24 * 3600
NSEC3_ITERATIONS = 0
NSEC3_SALT = "CAFE"


class Key:
    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.dnskey = dns.dnssec.make_dnskey(
            self.private.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257
        )

    def ds(self, zone: dns.name.Name) -> dns.rdata.Rdata:
        return dns.dnssec.make_ds(zone, self.dnskey, "SHA256")


def sign(
    zone: dns.zone.Zone,
    key: Key,
    *,
    nsec3: bool = False,
    opt_out: bool = False,
    expired: bool = False,
    spoil_all: bool = False,
    spoil: frozenset[tuple[str, str]] = frozenset(),
) -> None:
    """Signs `zone` (absolute names) in place. `spoil`: (owner below the apex or "@", type) of the
    RRsets whose signature is to be wrong."""
    _add(zone, zone.origin, _rdataset(3600, key.dnskey))
    cuts = _zone_cuts(zone)
    if nsec3:
        _add_nsec3(zone, cuts, opt_out)
    else:
        _add_nsec(zone, cuts)
    # Long past: validators allow a day or so of clock skew.
    end = int(time.time()) + (-10 if expired else 30) * DAY
    start = end - 60 * DAY
    for name, rdataset in list(zone.iterate_rdatasets()):
        if not _signed(name, rdataset.rdtype, zone.origin, cuts):
            continue
        signed_name = _Wildcard(name.labels) if name.is_wild() else name
        rrsig = dns.dnssec.sign(
            dns.rrset.from_rdata_list(signed_name, rdataset.ttl, list(rdataset)),
            key.private, zone.origin, key.dnskey, inception=start, expiration=end,
        )
        owner = name.relativize(zone.origin).to_text()
        if spoil_all or (owner, dns.rdatatype.to_text(rdataset.rdtype)) in spoil:
            rrsig = _spoilt(rrsig)
        _add(zone, name, _rdataset(rdataset.ttl, rrsig))


class _Wildcard(dns.name.Name):
    """The asterisk is not a label of a signature (RFC 4034 section 3.1.3); dnspython 2.3 counts it."""

    def __len__(self) -> int:
        return len(self.labels) - 1

    def is_wild(self) -> bool:  # later versions take it off themselves
        return False


def _rdataset(ttl: int, *rdatas: dns.rdata.Rdata) -> dns.rdataset.Rdataset:
    return dns.rdataset.from_rdata_list(ttl, rdatas)


def _add(zone: dns.zone.Zone, name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> None:
    covers = rdataset[0].covers() if rdataset.rdtype == T.RRSIG else T.NONE
    node = zone.find_node(name, create=True)
    found = node.find_rdataset(IN, rdataset.rdtype, covers, create=True)
    found.update(rdataset)


def _zone_cuts(zone: dns.zone.Zone) -> set[dns.name.Name]:
    return {
        name for name, rdataset in zone.iterate_rdatasets(T.NS)
        if name != zone.origin
    }


def _below_cut(name: dns.name.Name, cuts: set[dns.name.Name]) -> bool:
    """Glue: not ours to sign, nor to deny."""
    while name != dns.name.root:
        name = name.parent()
        if name in cuts:
            return True
    return False


def _signed(name, rdtype, origin, cuts) -> bool:
    if rdtype == T.RRSIG or _below_cut(name, cuts):
        return False
    return name not in cuts or rdtype in (T.DS, T.NSEC, T.NSEC3)


def _types(zone: dns.zone.Zone, name: dns.name.Name, cuts: set[dns.name.Name]) -> set[T]:
    found = {rdataset.rdtype for rdataset in zone.find_node(name)}
    if name in cuts:
        found &= {T.NS, T.DS}
    return found


def _add_nsec(zone: dns.zone.Zone, cuts: set[dns.name.Name]) -> None:
    ttl = _negative_ttl(zone)
    names = sorted(name for name in zone.nodes if not _below_cut(name, cuts))
    for name, following in zip(names, names[1:] + names[:1]):
        types = _types(zone, name, cuts) | {T.NSEC, T.RRSIG}
        text = f"{following} {_bitmap(types)}"
        _add(zone, name, _rdataset(ttl, dns.rdata.from_text(IN, T.NSEC, text)))


def _add_nsec3(zone: dns.zone.Zone, cuts: set[dns.name.Name], opt_out: bool) -> None:
    ttl = _negative_ttl(zone)
    parameters = f"1 0 {NSEC3_ITERATIONS} {NSEC3_SALT}"
    _add(zone, zone.origin, _rdataset(0, dns.rdata.from_text(IN, T.NSEC3PARAM, parameters)))
    names = {name for name in zone.nodes if not _below_cut(name, cuts)}
    if opt_out:  # insecure delegations have no NSEC3 (RFC 5155 section 6)
        names -= {name for name in cuts if not zone.get_rdataset(name, T.DS)}
    for name in list(names):  # empty non-terminals have a hash, too
        while name != zone.origin:
            name = name.parent()
            names.add(name)
    hashed = sorted(
        (dns.dnssec.nsec3_hash(name, NSEC3_SALT, NSEC3_ITERATIONS, "SHA1"), name) for name in names
    )
    owners = [hash_ for hash_, _ in hashed]
    for (owner, name), following in zip(hashed, owners[1:] + owners[:1]):
        types = _types(zone, name, cuts) if name in zone.nodes else set()
        if any(_signed(name, rdtype, zone.origin, cuts) for rdtype in types):
            types.add(T.RRSIG)
        text = f"1 {int(opt_out)} {NSEC3_ITERATIONS} {NSEC3_SALT} {following} {_bitmap(types)}"
        rdata = dns.rdata.from_text(IN, T.NSEC3, text)
        _add(zone, dns.name.from_text(owner.lower(), zone.origin), _rdataset(ttl, rdata))


def _negative_ttl(zone: dns.zone.Zone) -> int:
    """What an NSEC or NSEC3 record proves holds no longer than a denial (RFC 9077)."""
    soa = zone.get_rdataset(zone.origin, T.SOA)
    return min(soa.ttl, soa[0].minimum)


def _bitmap(types: set[T]) -> str:
    return " ".join(dns.rdatatype.to_text(rdtype) for rdtype in sorted(types))


def _spoilt(rrsig: dns.rdata.Rdata) -> dns.rdata.Rdata:
    signature = bytearray(rrsig.signature)
    signature[7] ^= 0xFF
    return rrsig.replace(signature=bytes(signature))


def trust_anchor(zone: dns.name.Name, key: Key) -> str:
    data = base64.b64encode(key.dnskey.key).decode("ascii")
    return f"{zone} 3600 IN DNSKEY {key.dnskey.flags} 3 {int(key.dnskey.algorithm)} {data}\n"
