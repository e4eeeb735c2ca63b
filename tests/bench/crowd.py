# crowd.py: an Internet of thousands of domains, to measure with
#
# Domains of three kinds, each a zone of its own: "dane" (signed, at mail hosts with TLSA records),
# "sts" (an MTA-STS policy) and "plain" (neither). Nine in ten have their mail hosts at a provider,
# and few providers have most of them: the n-th gets a share of 1/n. So it is with the names of
# their name servers. One in six of those without DANE is signed. Of the policy hosts, every
# `hanging`-th takes a connection and says no word.
# Beside them three zones of wildcards, so that there are as many domains of each kind as one likes:
# NAME.many-dane.example and so on; they share delegation and keys, so their lookups cost less. Of a
# fourth, NAME.many-fail.example, the name server says SERVFAIL.
#
# Real name servers (NSD) serve it, and policy_host.cpp its policies, in a network namespace of its
# own. Making a thousand signed zones takes some seconds.
# SPDX-License-Identifier: BSD-3-Clause
import functools
import hashlib
import itertools
import multiprocessing
import os
import pathlib
import time
from dataclasses import dataclass

import dns.name
import dns.zone
from cryptography.hazmat.primitives import serialization

from world import addresses, nameserver, netns, processes, signing
from world.certificates import CertificateStore
from world.nameserver import NameServer
from world.netns import Unavailable

TLD = "example"
KINDS = ("dane", "sts", "plain")
PROVIDERS = 40  # the even ones have DANE, the odd ones are not even signed
HOSTERS = 20  # of DNS
POLICY_ADDRESSES = 50  # policy hosts are shared, too
TLSA = "3 1 1 " + hashlib.sha256(b"a mail host's key").hexdigest()
MANY_FAIL = f"many-fail.{TLD}"  # its name server has no file of it
ROOT = dns.name.root

__all__ = ["KINDS", "Crowd", "Unavailable"]


@dataclass(frozen=True)
class Domain:
    name: str
    records: tuple[str, ...]
    signed: bool
    pattern: str = ""  # of its policy; empty: it has none
    reply: str = ""  # of the map postfix; empty: depends on when one asks


def _provider(number: int, dane: bool) -> str:
    """The provider of the number-th domain of a kind."""
    own = PROVIDERS // 2
    return f"provider{2 * _zipf(own)[number * 7919 % 1000] + (0 if dane else 1)}.{TLD}"


@functools.cache
def _zipf(count: int) -> list[int]:
    """A thousand picks of `count`."""
    weights = [1 / (n + 1) for n in range(count)]
    picks: list[int] = []
    for n, weight in enumerate(weights):
        picks += [n] * max(1, round(1000 * weight / sum(weights)))
    return (picks + [0] * 1000)[:1000]


def _mx(number: int, name: str, dane: bool) -> tuple[list[str], str]:
    """The domain's MX records with what belongs to them, and the pattern of their names."""
    if number % 10 == 9:
        own = ["@ MX 10 mail", f"mail A {addresses.MX_HOST}"]
        return own + [f"_25._tcp.mail TLSA {TLSA}"] * dane, f"mail.{name}"
    at = _provider(number, dane)
    return [f"@ MX {10 * n} mx{n}.{at}." for n in (1, 2)], f"*.{at}"


def _domain(kind: str, number: int, hanging: int) -> Domain:
    name = f"{kind}{number:05}.{TLD}"
    records, pattern = _mx(number, name, kind == "dane")
    if kind == "dane":
        return Domain(name, tuple(records), True, reply="OK dane-only")
    signed = number % 6 == 5
    if kind == "plain":
        return Domain(name, tuple(records), signed, reply="NOTFOUND ")
    silent = hanging > 0 and number % hanging == 0
    address = (f"127.45.{number // 250 % 250}.{number % 250 + 1}" if silent
               else f"127.44.0.{number % POLICY_ADDRESSES + 1}")
    records += [f'_mta-sts TXT "v=STSv1; id={number};"', f"mta-sts A {address}"]
    match = pattern.removeprefix("*")
    reply = "" if silent else f"OK secure match={match} servername=hostname"
    return Domain(name, tuple(records), signed, pattern, reply)


def _infrastructure() -> list[Domain]:
    made = []
    for number in range(HOSTERS):
        made.append(Domain(f"hoster{number}.{TLD}", (), False))
    for number in range(PROVIDERS):
        records = []
        for host in ("mx1", "mx2"):
            records += [f"{host} A {addresses.MX_HOST}", f"{host} AAAA {addresses.MX_HOST_V6}"]
            if number % 2 == 0:
                records.append(f"_25._tcp.{host} TLSA {TLSA}")
        made.append(Domain(f"provider{number}.{TLD}", tuple(records), number % 2 == 0))
    at_dane = f"* MX 10 mx1.provider0.{TLD}."
    at_plain = f"* MX 10 mx1.provider1.{TLD}."
    sts = ('* TXT "v=STSv1; id=1;"', "* A 127.44.0.1")
    made.append(Domain(f"many-dane.{TLD}", (at_dane,), True))
    made.append(Domain(f"many-sts.{TLD}", (at_plain, *sts), False))
    made.append(Domain(f"many-plain.{TLD}", (at_plain,), False))
    return made


def _zone(name: str, records: list[str]) -> str:
    origin = name if name == "." else f"{name}."
    head = [f"$ORIGIN {origin}", "$TTL 3600", "@ SOA ns hostmaster 1 3600 600 86400 3600"]
    return "\n".join([*head, *records, ""])


def _own_server(address: str) -> list[str]:
    return ["@ NS ns", f"ns A {address}"]


def _name_servers(name: str) -> list[str]:
    """Of nine in ten domains they are a hoster's."""
    number = int("0" + "".join(filter(str.isdigit, name)))
    if name.startswith("hoster"):
        return [f"ns{n}.{name}." for n in (1, 2)]
    if number % 10 == 8:
        return [f"ns.{name}."]
    hoster = _zipf(HOSTERS)[number * 104729 % 1000]
    return [f"ns{n}.hoster{hoster}.{TLD}." for n in (1, 2)]


def _signed(name: str, text: str, key: signing.Key) -> str:
    origin = ROOT if name == "." else dns.name.from_text(name)
    zone = dns.zone.from_text(text, origin=origin, relativize=False)
    signing.sign(zone, key)
    return zone.to_text(relativize=False)


def _write(folder: pathlib.Path, domain: Domain) -> list[str]:
    """The zone's file; gives what its parent says of it."""
    servers = _name_servers(domain.name)
    own = [f"{server} A {addresses.ZONE_SERVER}" for server in servers
           if server.endswith(f".{domain.name}.")]
    text = _zone(domain.name, [*(f"@ NS {name}" for name in servers), *own, *domain.records])
    parent = [*(f"{domain.name}. NS {name}" for name in servers), *own]
    if domain.signed:
        key = signing.Key()
        text = _signed(domain.name, text, key)
        parent.append(f"{domain.name}. DS {key.ds(dns.name.from_text(domain.name))}")
    (folder / f"{domain.name}.zone").write_text(text, encoding="ascii")
    return parent


class _Files:
    """As the name servers of the system tests' world want them."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def path(self, name: str) -> pathlib.Path:
        return self.folder / ("root.zone" if name == "." else f"{name}.zone")


class Crowd:
    def __init__(self, folder: pathlib.Path, policy_host: pathlib.Path, each: int,
                 hanging: int = 0) -> None:
        """`each`: domains of a kind. Unavailable is raised if this machine cannot have it."""
        if reason := nameserver.missing():
            raise Unavailable(reason)
        netns.enter([addresses.POLICY_HOST_V6, addresses.MX_HOST_V6])
        self.folder = folder
        self.domains = {
            kind: [_domain(kind, n, hanging if kind == "sts" else 0) for n in range(each)]
            for kind in KINDS
        }
        self._zones = folder / "zones"
        self._zones.mkdir(parents=True)
        self.trust_anchor = folder / "root.key"
        self.root_hints = folder / "root.hints"
        certificates = CertificateStore(folder / "certificates")
        self.ca_file = certificates.ca_file
        self._ca_key = folder / "certificates" / "ca.key"
        self._ca_key.write_bytes(certificates.root.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ))
        self._policy_host = policy_host
        served = self._write_zones()
        self._name_servers = [NameServer(folder, address, names, _Files(self._zones))
                              for address, names in served.items()]
        self._processes: list = []

    def _write_zones(self) -> dict[str, list[str]]:
        zones = [*_infrastructure(), *itertools.chain(*self.domains.values())]
        with multiprocessing.Pool(os.cpu_count()) as pool:
            write = functools.partial(_write, self._zones)
            delegations = list(itertools.chain(*pool.map(write, zones, chunksize=32)))
        delegations += [f"{MANY_FAIL}. NS ns.{MANY_FAIL}.",
                        f"ns.{MANY_FAIL}. A {addresses.ZONE_SERVER}"]
        tld_key, root_key = signing.Key(), signing.Key()
        tld = _signed(TLD, _zone(TLD, [*_own_server(addresses.TLD_SERVER), *delegations]), tld_key)
        (self._zones / f"{TLD}.zone").write_text(tld, encoding="ascii")
        root = [f"{TLD}. NS ns.{TLD}.", f"ns.{TLD}. A {addresses.TLD_SERVER}",
                f"{TLD}. DS {tld_key.ds(dns.name.from_text(TLD))}"]
        root_zone = _zone(".", [*_own_server(addresses.ROOT_SERVER), *root])
        (self._zones / "root.zone").write_text(_signed(".", root_zone, root_key), encoding="ascii")
        self.trust_anchor.write_text(signing.trust_anchor(ROOT, root_key), encoding="ascii")
        self.root_hints.write_text(
            f". 3600000 IN NS ns.\nns. 3600000 IN A {addresses.ROOT_SERVER}\n", encoding="ascii")
        return {
            addresses.ROOT_SERVER: ["."],
            addresses.TLD_SERVER: [TLD],
            addresses.ZONE_SERVER: [*(zone.name for zone in zones), MANY_FAIL],
        }

    def keys(self, *kinds: str, first: int = 0, last: int | None = None,
             silent: bool = False, replies: bool = True) -> pathlib.Path:
        """A file for load: the domains of these kinds in turn, with the replies that must come.
        `silent`: also those whose policy host hangs."""
        path = self.folder / f"{'-'.join(kinds)}-{first}-{last}-{silent}-{replies}.keys"
        domains = itertools.chain(*zip(*(self.domains[kind][first:last] for kind in kinds)))
        path.write_text("".join(
            f"{domain.name}\t{domain.reply}\n" if domain.reply and replies else f"{domain.name}\n"
            for domain in domains if domain.reply or silent
        ), encoding="ascii")
        return path

    def __enter__(self) -> "Crowd":
        for server in self._name_servers:
            server.start()
        policies = self.folder / "policies"
        policies.write_text("".join(f"{d.name} {d.pattern}\n" for d in self.domains["sts"]),
                            encoding="ascii")
        command = [self._policy_host, "--authority", self.ca_file, "--key", self._ca_key,
                   "--domains", policies, "--pattern", f"*.provider1.{TLD}"]
        log = self.folder / "policy_host.log"
        self._processes.append(processes.start([str(word) for word in command], log))
        for server in self._name_servers:
            server.wait_for_serial("." if server.address == addresses.ROOT_SERVER else TLD
                                   if server.address == addresses.TLD_SERVER
                                   else f"provider0.{TLD}", 1)
        end = time.monotonic() + 60
        while "ready" not in log.read_text(encoding="utf-8"):
            if self._processes[-1].poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"policy_host does not serve:\n{log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_) -> None:
        for process in self._processes:
            processes.stop(process)
        for server in self._name_servers:
            server.stop()
