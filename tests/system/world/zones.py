# zones.py: the catalogue as signed zone files, one folder for each name server
# SPDX-License-Identifier: BSD-3-Clause
import hashlib
import pathlib
import string
import time

import dns.name
import dns.zone
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import addresses, signing
from .catalogue import TLD, TLD_RECORDS, State, Zone

ROOT_ZONE = "."
SECURE_DELEGATION = {State.SIGNED, State.SPOILT, State.WRONG_DS, State.EXPIRED, State.STRIPPED}
SIGNED_ZONE = {State.SIGNED, State.SPOILT, State.WRONG_DS, State.EXPIRED}


class ZoneFiles:
    """Writes the zones and knows their keys; write() again with another Zone to change one."""

    negative_ttl = 60  # seconds that an absence may be remembered for

    def __init__(self, folder: pathlib.Path, zones: dict[str, Zone],
                 certificate: x509.Certificate, mail_key: ec.EllipticCurvePrivateKey) -> None:
        self.folder = folder
        self.zones = zones
        self.served: dict[str, list[str]] = {
            addresses.ROOT_SERVER: [ROOT_ZONE],
            addresses.TLD_SERVER: [TLD],
            addresses.ZONE_SERVER: [z.name for z in zones.values() if z.state != State.ABSENT],
        }
        self.names = [name for names in self.served.values() for name in names]
        self._keys = {name: signing.Key() for name in self.names}
        self._words = _words(certificate, mail_key)
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> pathlib.Path:
        return self.folder / ("root.zone" if name == ROOT_ZONE else f"{name}.zone")

    def write_all(self) -> None:
        self._write(self._root())
        self._write(self._tld())
        for zone in self.zones.values():
            if zone.state != State.ABSENT:
                self.write(zone)

    def write(self, zone: Zone) -> int:
        """The serial number of what was written."""
        lines = [line for record in zone.records for line in record.split("\n")]
        lines += self._delegations(zone.name)
        parsed = self._parse(zone.name, zone.server, lines, zone.negative_ttl)
        if zone.state in SIGNED_ZONE:
            signing.sign(
                parsed, self._keys[zone.name],
                nsec3=zone.nsec3,
                opt_out=zone.opt_out,
                expired=zone.state == State.EXPIRED,
                spoil_all=zone.state == State.SPOILT,
                spoil=zone.spoil,
            )
        return self._write(parsed)

    def write_trust_anchor(self, path: pathlib.Path) -> None:
        key = self._keys[ROOT_ZONE]
        path.write_text(signing.trust_anchor(dns.name.root, key), encoding="ascii")

    def write_root_hints(self, path: pathlib.Path) -> None:
        path.write_text(
            f". 3600000 IN NS ns.\nns. 3600000 IN A {addresses.ROOT_SERVER}\n", encoding="ascii"
        )

    def _root(self) -> dns.zone.Zone:
        key = self._keys[TLD]
        tld = dns.name.from_text(TLD)
        lines = [
            f"{TLD}. NS ns.{TLD}.",
            f"ns.{TLD}. A {addresses.TLD_SERVER}",
            f"{TLD}. DS {key.ds(tld)}",
        ]
        zone = self._parse(ROOT_ZONE, addresses.ROOT_SERVER, lines)
        signing.sign(zone, self._keys[ROOT_ZONE])
        return zone

    def _tld(self) -> dns.zone.Zone:
        lines = TLD_RECORDS + self._delegations(TLD)
        zone = self._parse(TLD, addresses.TLD_SERVER, lines)
        signing.sign(zone, self._keys[TLD])
        return zone

    def _delegations(self, parent: str) -> list[str]:
        lines = []
        for zone in self.zones.values():
            if self._parent(zone.name) != parent:
                continue
            lines += [f"{zone.name}. NS ns.{zone.name}.", f"ns.{zone.name}. A {zone.server}"]
            if zone.state in SECURE_DELEGATION:
                wrong = zone.state == State.WRONG_DS
                key = signing.Key() if wrong else self._keys[zone.name]
                lines.append(f"{zone.name}. DS {key.ds(dns.name.from_text(zone.name))}")
        return lines

    def _parent(self, name: str) -> str:
        while name := name.partition(".")[2]:
            if name in self.zones or name == TLD:
                return name
        raise ValueError("a zone outside of the TLD")

    def _parse(self, name: str, server: str, lines: list[str],
               negative_ttl: int | None = None) -> dns.zone.Zone:
        serial = int(time.time() * 1000) % 2**32
        text = "\n".join([
            f"@ SOA ns hostmaster {serial} 3600 600 86400 "
            f"{negative_ttl or self.negative_ttl}",
            "@ NS ns",
            f"ns A {server}",
            *lines,
            "",
        ])
        text = "$TTL 300\n" + string.Template(text).substitute(self._words, DOMAIN=name)
        return dns.zone.from_text(text, origin=name, relativize=False)

    def _write(self, zone: dns.zone.Zone) -> int:
        name = zone.origin.to_text(omit_final_dot=True) or ROOT_ZONE
        path = self.path("." if name == "@" else name)
        # Renamed, so that the name server never reads half a file.
        new = path.with_suffix(".new")
        zone.to_file(str(new), relativize=False)
        new.rename(path)
        return zone.get_rdataset(zone.origin, "SOA")[0].serial


def _words(
    certificate: x509.Certificate, mail_key: ec.EllipticCurvePrivateKey
) -> dict[str, str]:
    whole = certificate.public_bytes(serialization.Encoding.DER)
    spki = _spki(certificate.public_key())
    return {
        "MX": addresses.MX_HOST,
        "SHA256": hashlib.sha256(spki).hexdigest(),
        "SHA512": hashlib.sha512(spki).hexdigest(),
        "SPKI": spki.hex(),
        "CERTIFICATE": whole.hex(),
        "MAIL_KEY": hashlib.sha256(_spki(mail_key.public_key())).hexdigest(),
    }


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
