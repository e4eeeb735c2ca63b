# changing.py: a world of many small domains that change all the time
#
# Each domain is a zone of its own with TTLs of one second, and a policy host. A domain's state is
# what it says at a time; change() makes it so and notes from when until when each state could be
# seen. The policy server notes what it gave to whom. Judging the daemon by that: ../soak_model.py.
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import time
from dataclasses import dataclass, field

from . import addresses, nameserver, netns
from .catalogue import PolicyHost, State, Zone, policy
from .certificates import CertificateStore
from .nameserver import NameServer
from .netns import Unavailable
from .policy_server import PATH, PolicyServer
from .zones import ZoneFiles

TTL = 1  # seconds, of all that changes
HOSTS_ZONE = "hosts.example"  # never changes: mail hosts of the unsigned domains
TLSA_DATA = {"U": "3 1 1 $SHA256", "X": "1 0 1 $SHA256", "F": "3 1 1 $SHA256"}


@dataclass(frozen=True)
class Dns:
    """What a domain says in DNS. tlsa: of its two possible hosts, by letter: U, X, N, or F for
    records with a wrong signature."""

    mx: str = "plain"  # plain, null, bogus
    hosts: int = 1
    tlsa: str = "NN"
    sts_id: str | None = None  # of the _mta-sts record


@dataclass(frozen=True)
class Policy:
    """What the policy host serves; status 200 makes it a policy. `version` is one of its patterns,
    so that a reply tells which policy it was made of."""

    version: int
    mode: str = "enforce"
    max_age: int = 604800
    status: int = 200


@dataclass
class Seen:
    """A state in DNS and when it could be seen."""

    dns: Dns
    since: float
    until: float = float("inf")


@dataclass
class Served:
    """A policy that was given away, or refused."""

    policy: Policy
    at: float
    done: float
    to: str = ""  # the client's address


@dataclass
class Changing:
    name: str
    signed: bool
    dns: Dns
    policy: Policy
    seen: list[Seen] = field(default_factory=list)
    offered: list[tuple[float, Policy]] = field(default_factory=list)  # from when on
    served: list[Served] = field(default_factory=list)

    def patterns(self, policy_: Policy) -> tuple[str, str]:
        return (f"mx.{self.name}", f"v{policy_.version}.{self.name}")

    def zone(self) -> Zone:
        state = State.SIGNED if self.signed else State.UNSIGNED
        return Zone(self.name, tuple(self._records()), state, frozenset(self._spoilt()))

    def _records(self):
        yield f"mta-sts {TTL} A {addresses.POLICY_HOST}"
        if self.dns.sts_id is not None:
            yield f'_mta-sts {TTL} TXT "v=STSv1; id={self.dns.sts_id};"'
        for name, letter in zip(("mx", "mx2"), self.dns.tlsa):
            if self.signed:
                yield f"{name} {TTL} A $MX"
                if letter in TLSA_DATA:
                    yield f"_25._tcp.{name} {TTL} TLSA {TLSA_DATA[letter]}"
        if self.dns.mx == "null":
            yield f"@ {TTL} MX 0 ."
            return
        for n in range(self.dns.hosts):
            host = ("mx", "mx2")[n]
            if not self.signed:
                host = f"{self.dns.tlsa[n].lower()}{n}.{HOSTS_ZONE}."
            yield f"@ {TTL} MX {10 + n} {host}"

    def _spoilt(self):
        if self.dns.mx == "bogus":
            yield ("@", "MX")
        for name, letter in zip(("mx", "mx2"), self.dns.tlsa):
            if letter == "F":
                yield (f"_25._tcp.{name}", "TLSA")


def _mail_hosts() -> Zone:
    records = []
    for n in range(2):
        for letter in "UXN":
            records.append(f"{letter.lower()}{n} A $MX")
            if letter in TLSA_DATA:
                records.append(f"_25._tcp.{letter.lower()}{n} TLSA {TLSA_DATA[letter]}")
    return Zone(HOSTS_ZONE, tuple(records))


class _Files(ZoneFiles):
    negative_ttl = TTL


class _Server(PolicyServer):
    """Notes what it gave, and when."""

    def __init__(self, domains: dict[str, Changing], certificates: CertificateStore) -> None:
        hosts = {name: PolicyHost() for name in domains}
        super().__init__(hosts, certificates)
        self._domains = domains
        self.takes = 0.0  # seconds for an answer

    def respond(self, connection, domain: str, target: list[bytes]) -> None:
        given = self._domains.get(domain)
        if given is None or target != [PATH.encode()]:
            return super().respond(connection, domain, target)
        time.sleep(self.takes)
        policy_ = given.policy
        text = policy(policy_.mode, *given.patterns(policy_), max_age=policy_.max_age)
        client = connection.getpeername()[0]
        served = Served(policy_, time.monotonic(), float("inf"), client)
        given.served.append(served)
        self.send(connection, PolicyHost(text.encode(), status=policy_.status))
        served.done = time.monotonic()


class ChangingWorld:
    def __init__(self, folder: pathlib.Path, domains: list[Changing]) -> None:
        """Unavailable is raised if this machine cannot have it."""
        if reason := nameserver.missing():
            raise Unavailable(reason)
        netns.enter([addresses.POLICY_HOST_V6])
        self.domains = {domain.name: domain for domain in domains}
        certificates = CertificateStore(folder / "certificates")
        zones = {domain.name: domain.zone() for domain in domains}
        zones[HOSTS_ZONE] = _mail_hosts()
        self._files = _Files(
            folder / "zones", zones, certificates.root.certificate, certificates.mail_key
        )
        self._files.write_all()
        self.trust_anchor = folder / "root.key"
        self.root_hints = folder / "root.hints"
        self.ca_file = certificates.ca_file
        self.other_ca_file = certificates.other_ca_file
        self._files.write_trust_anchor(self.trust_anchor)
        self._files.write_root_hints(self.root_hints)
        self.policy_server = _Server(self.domains, certificates)
        self._name_servers = {
            address: NameServer(folder, address, names, self._files)
            for address, names in self._files.served.items()
        }

    def __enter__(self) -> "ChangingWorld":
        for server in self._name_servers.values():
            server.start()
        for server in self._name_servers.values():
            server.wait_until_ready()
        self.policy_server.start()
        now = time.monotonic()
        for domain in self.domains.values():
            domain.seen.append(Seen(domain.dns, now))
            domain.offered.append((now, domain.policy))
        return self

    def __exit__(self, *_) -> None:
        self.policy_server.stop()
        for server in self._name_servers.values():
            server.stop()

    @property
    def zone_server(self) -> NameServer:
        """That of all the domains."""
        return self._name_servers[addresses.ZONE_SERVER]

    def change(self, changes: list[tuple[Changing, Dns, Policy]]) -> None:
        """All at once; back when the name server has them. Policies change first."""
        last = None
        for domain, dns_, policy_ in changes:
            if policy_ != domain.policy:
                domain.offered.append((time.monotonic(), policy_))
                domain.policy = policy_
            if dns_ != domain.dns:
                domain.dns = dns_
                domain.seen.append(Seen(dns_, time.monotonic()))
                last = domain.name, self._files.write(domain.zone())
        if last:
            self.zone_server.reload(*last)
        # A resolver may go on seeing the old state for its TTL, counted in whole seconds.
        end = time.monotonic() + TTL + 1
        for domain, _, _ in changes:
            for seen in domain.seen[:-1]:
                seen.until = min(seen.until, end)
