# lab.py: a laboratory where every packet takes its time, and what it measures
#
# Whoever asks a name server or a policy host there waits for one round trip (relay.cpp), so the
# time of an answer divided by the round trip's is the number of those that came one after another,
# whatever the machine. As a program it counts them and writes them as JSON.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import collections
import json
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "system")]

import dns.name  # noqa: E402
import dns.rdatatype  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402

from cold import world  # noqa: E402
from daemon import Daemon, build_folder  # noqa: E402
from world import nameserver, netns, processes  # noqa: E402
from world.certificates import CertificateStore  # noqa: E402
from world.nameserver import NameServer  # noqa: E402
from world.netns import Unavailable  # noqa: E402

PORT = 8461
DELAY = 200  # milliseconds of a round trip, if nothing else is said
# Of which question a packet is lost, for one kind each: what is before the domain, and the type.
LOST = {"dane": ("mx.", "AAAA"), "danepw": ("", "MX"), "both": ("_25._tcp.mx.", "TLSA"),
        "sts": ("mta-sts.", "A"), "stspw": ("_mta-sts.", "TXT"), "plainw": ("_mta-sts.", "TXT"),
        "signedw": ("", "MX")}
DEVICE = "slow0"
EXIT_UNAVAILABLE = 77
LOSSES = 2  # tries of each


def real(address: str) -> str:
    """Where that listens which the relay reaches at `address`."""
    return address.replace("10.54.", "10.53.").replace("fd00:36:", "fd00:35:")


class Relay:
    """Every packet to 10.54.0.0/16 and back takes half of `delay` milliseconds."""

    def __init__(self, log: pathlib.Path) -> None:
        self._log = log
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        program = str(build_folder() / "tests" / "bench" / "relay")
        with open(self._log, "ab") as errors:
            self._process = subprocess.Popen([program, DEVICE], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=errors, text=True)
        if self._process.stdout.readline() != "ready\n":
            self.stop()
            raise Unavailable(f"no TUN device: {self._log.read_text().strip()}")
        _ip("address", "add", f"{world.CLIENT}/32", "dev", DEVICE)
        _ip("address", "add", f"{world.CLIENT_V6}/128", "dev", DEVICE, "nodad")
        _ip("link", "set", DEVICE, "up")
        _ip("route", "add", "10.54.0.0/16", "dev", DEVICE, "src", world.CLIENT)
        _ip("route", "add", "10.55.0.0/16", "dev", DEVICE)
        _ip("route", "add", "fd00:36::/32", "dev", DEVICE, "src", world.CLIENT_V6)
        _ip("route", "add", "fd00:37::/32", "dev", DEVICE)
        for address in (*world.NAME_SERVERS, world.POLICY_HOST):
            if ":" in address:
                _ip("address", "add", f"{real(address)}/128", "dev", "lo", "nodad")
            else:
                _ip("address", "add", f"{real(address)}/32", "dev", "lo")

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)

    def delay(self, milliseconds: int) -> None:
        self._command(f"delay {milliseconds}")

    def lose(self, name: str, rrtype: str, packets: int) -> None:
        """Of the next ones with this question."""
        question = dns.name.from_text(name).to_wire() + struct.pack(
            ">H", dns.rdatatype.from_text(rrtype))
        self._command(f"lose {packets} {question.hex()}")

    def questions(self) -> int:
        """By UDP since the last call."""
        return int(self._command("count"))

    def _command(self, line: str) -> str:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


class _Files:
    """As NameServer wants them."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def path(self, name: str) -> pathlib.Path:
        return self.folder / f"{'root' if name == '.' else name}.zone"


class Lab:
    """In the network namespace of the caller, which has nothing else at 10.53 to 10.55."""

    def __init__(self, folder: pathlib.Path, tries: int, bulk: int = 0) -> None:
        """Unavailable is raised if this machine cannot have it."""
        if reason := nameserver.missing():
            raise Unavailable(reason)
        self.folder = folder
        self.tries = tries
        self.bulk = bulk
        self._zones = folder / "zones"
        self._zones.mkdir(parents=True)
        zones, anchor = world.write(self._zones, tries + LOSSES, bulk)
        self.trust_anchor = folder / "root.key"
        self.trust_anchor.write_text(anchor, encoding="ascii")
        self.root_hints = folder / "root.hints"
        self.root_hints.write_text(f". 3600000 NS ns1.\nns1. 3600000 A {world.ROOT}\n",
                                   encoding="ascii")
        certificates = CertificateStore(folder / "certificates")
        self.ca_file = certificates.ca_file
        self._ca_key = folder / "certificates" / "ca.key"
        self._ca_key.write_bytes(certificates.root.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        served: dict[str, list[str]] = {}
        for zone in zones:
            served.setdefault(zone.server, []).append(zone.name or ".")
        self._name_servers = [NameServer(folder, real(server), names, _Files(self._zones))
                              for server, names in served.items()]
        self.relay = Relay(folder / "relay.log")
        self._policy_host: subprocess.Popen | None = None

    def __enter__(self) -> "Lab":
        self.relay.start()
        for server in self._name_servers:
            server.start()
        policies = self.folder / "policies"
        with open(policies, "w", encoding="ascii") as file:
            for kind in world.KINDS:
                bulk = self.bulk if kind.name == world.BULK else 0
                for number in range(self.tries + LOSSES + bulk + 1):
                    name = world.domain_of(kind, number)
                    file.write(f"{name} {world.pattern_of(name)}\n")
        log = self.folder / "policy_host.log"
        program = build_folder() / "tests" / "bench" / "policy_host"
        self._policy_host = processes.start(
            [str(program), "--authority", str(self.ca_file), "--key", str(self._ca_key),
             "--domains", str(policies)], log)
        for server in self._name_servers:
            server.wait_until_ready()
        end = time.monotonic() + 60
        while "ready" not in log.read_text(encoding="utf-8"):
            if self._policy_host.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"policy_host does not serve:\n{log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_) -> None:
        if self._policy_host:
            processes.stop(self._policy_host)
        for server in self._name_servers:
            server.stop()
        self.relay.stop()

    def daemon(self, name: str, **sections) -> Daemon:
        """Not started yet."""
        sections["dns"] = {"private_name_servers": ["10.54.0.0/16", "fd00:36::/32"], **sections.get("dns", {})}
        sections.setdefault("log", {"level": "info"})
        return Daemon(self, self.folder / name, PORT, **sections)

    def count(self, daemon: Daemon, delay: int, at_once: bool = True) -> dict[str, dict]:
        """The least sequential round trips of each kind. Domains of different kinds are asked for
        `at_once`, which changes nothing for them; or one by one, then with their questions."""
        # From the start on: libunbound asks again soon where answers came sooner before.
        self.relay.delay(delay)
        _ask_all(daemon, {name: name for name in world.WARM})
        _ask_all(daemon, {kind.name: world.domain_of(kind, 0)
                          for kind in world.KINDS if kind.warm})
        daemon.settle()
        found: dict[str, dict] = {kind.name: {"times": [], "questions": []}
                                  for kind in world.KINDS}
        for number in range(1, self.tries + 1):
            names = {kind.name: world.domain_of(kind, number) for kind in world.KINDS}
            groups = [names] if at_once else [{kind: name} for kind, name in names.items()]
            for group in groups:
                self.relay.questions()
                for kind, (seconds, reply) in _ask_all(daemon, group).items():
                    found[kind]["times"].append(seconds * 1000)
                    found[kind]["reply"] = reply
                    found[kind]["right"] = reply == world.reply_of(
                        next(k for k in world.KINDS if k.name == kind), group[kind])
                daemon.settle()
                if not at_once:
                    found[next(iter(group))]["questions"].append(self.relay.questions())
        for each in found.values():
            # None arrives early, so whatever is over a whole number is the machine's.
            each["round_trips"] = int(min(each["times"]) / delay)
        return found


    def lose(self, daemon: Daemon, delay: int) -> dict[str, dict]:
        """Seconds of an answer for which the first packet of a question is lost, for each of LOST.
        The daemon is the one of count()."""
        self.relay.delay(delay)
        found: dict[str, dict] = {kind: {"seconds": []} for kind in LOST}
        for number in range(self.tries + 1, self.tries + LOSSES + 1):
            names = {kind.name: world.domain_of(kind, number)
                     for kind in world.KINDS if kind.name in LOST}
            for kind, (prefix, rrtype) in LOST.items():
                self.relay.lose(prefix + names[kind], rrtype, 1)
            for kind, (seconds, reply) in _ask_all(daemon, names).items():
                found[kind]["seconds"].append(seconds)
                found[kind]["right"] = reply == world.reply_of(
                    next(k for k in world.KINDS if k.name == kind), names[kind])
            daemon.settle()
        return found


    def crowd(self, daemon: Daemon, delay: int, clients: int) -> dict:
        """All `bulk` domains of one provider, asked for by so many clients at once."""
        self.relay.delay(delay)
        kind = next(kind for kind in world.KINDS if kind.name == world.BULK)
        _ask_all(daemon, {name: name for name in (*world.WARM, world.domain_of(kind, 0))})
        first = self.tries + LOSSES + 1
        names = iter([world.domain_of(kind, n) for n in range(first, first + self.bulk)])
        replies: collections.Counter = collections.Counter()
        times: list[float] = []
        lock = threading.Lock()

        def ask() -> None:
            with daemon.connect() as connection:
                connection.socket.settimeout(120)
                while True:
                    with lock:
                        name = next(names, None)
                    if name is None:
                        return
                    begin = time.monotonic()
                    reply = connection.ask("postfix", name)
                    took = time.monotonic() - begin
                    with lock:
                        times.append(took)
                        right = reply == world.reply_of(kind, name)
                        replies["secure" if right else reply.replace(name, "DOMAIN")] += 1

        begin = time.monotonic()
        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"seconds": time.monotonic() - begin, "replies": dict(replies),
                "p50": statistics.median(times), "max": max(times)}


def _ask_all(daemon: Daemon, names: dict[str, str]) -> dict[str, tuple[float, str]]:
    connections = {kind: daemon.connect() for kind in names}
    answers: dict[str, tuple[float, str]] = {}

    def ask(kind: str) -> None:
        begin = time.monotonic()
        reply = connections[kind].ask("postfix", names[kind])
        answers[kind] = (time.monotonic() - begin, reply)

    threads = [threading.Thread(target=ask, args=(kind,)) for kind in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for connection in connections.values():
        connection.close()
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(description="counts round trips; JSON")
    parser.add_argument("--delay", type=int, default=DELAY, help="milliseconds of a round trip")
    parser.add_argument("--tries", type=int, default=3,
                        help="of each kind (3); 0: none is counted")
    parser.add_argument("--one-by-one", action="store_true", help="and count questions")
    parser.add_argument("--lose", action="store_true", help="and what a lost packet costs")
    parser.add_argument("--crowd", type=int, default=0, metavar="DOMAINS",
                        help="and what so many domains of one provider get")
    parser.add_argument("--clients", type=int, default=400, help="that ask for them")
    parser.add_argument("--crowd-delay", type=int, default=80, metavar="MS")
    parser.add_argument("--dns", type=json.loads, default={}, help="settings of [dns], as JSON")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postseal-cold."))
    try:
        netns.enter([])
        with (Lab(folder, options.tries, options.crowd) as lab,
              lab.daemon("daemon", dns=options.dns) as daemon):
            found = {}
            if options.tries:
                found["kinds"] = lab.count(daemon, options.delay, not options.one_by_one)
            if options.lose:
                found["lost"] = lab.lose(daemon, options.delay)
            if options.crowd:
                found["crowd"] = lab.crowd(daemon, options.crowd_delay, options.clients)
            print(json.dumps(found))
    except Unavailable as why:
        print(f"NOT COUNTED: {why}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
