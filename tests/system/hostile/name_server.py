# name_server.py: a name server whose zone answers as badly as the names in it say
#
# NAME.odd.example is a domain of which MANNERS says what is wrong; NAME.hostile.example is answered
# honestly, and has an MTA-STS record if `policy_hosts` has its name. All have a mail host. Unsigned:
# what is signed cannot be forged in these ways.
# SPDX-License-Identifier: BSD-3-Clause
import collections
import contextlib
import os
import socket
import struct
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from world import addresses
from world.catalogue import ODD_DNS

ZONE = "hostile.example"  # one
ODD = "odd.example"  # a zone for each name below it
PATIENCE = 20  # seconds that a drip or a flood goes on for at most


class Query:
    """A question about NAME.hostile.example or NAME.odd.example; `owner` is what stands before."""

    def __init__(self, wire: bytes, by_tcp: bool) -> None:
        self.message = dns.message.from_wire(wire)
        question = self.message.question[0]
        self.by_tcp = by_tcp
        self.type = dns.rdatatype.to_text(question.rdtype)
        self.name = question.name.to_text(omit_final_dot=True).lower()
        odd = self.name.endswith("." + ODD)
        suffix = ODD if odd else ZONE
        labels = self.name.removesuffix(suffix).rstrip(".").split(".")
        self.manner = labels[-1]
        self.owner = ".".join(labels[:-1])
        self.domain = f"{self.manner}.{suffix}"
        self.zone = self.domain if odd else ZONE
        self.answer = MANNERS[self.manner] if odd else _honestly

    def response(self, *records: str, rcode: int = dns.rcode.NOERROR) -> dns.message.Message:
        """Records are `OWNER TTL TYPE DATA`, several of one RRset separated by " | "."""
        message = dns.message.make_response(self.message)
        message.flags |= dns.flags.AA
        message.set_rcode(rcode)
        for record in records:
            owner, ttl, type_, data = record.split(" ", 3)
            message.answer.append(dns.rrset.from_text_list(
                dns.name.from_text(owner), int(ttl), "IN", type_, data.split(" | ")
            ))
        if not records:
            message.authority.append(dns.rrset.from_text(
                dns.name.from_text(self.zone), 60, "IN", "SOA", "ns.test. h.test. 1 3600 600 86400 60"
            ))
        return message


class NameServer:
    def __init__(self, policy_hosts: dict[str, str]) -> None:
        """`policy_hosts`: their addresses, by name."""
        self.policy_hosts = policy_hosts
        self.queries: collections.Counter[str] = collections.Counter()  # by manner
        self.faults: list[str] = []
        self._stopped = threading.Event()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((addresses.HOSTILE_SERVER, 53))
        self._tcp = socket.create_server((addresses.HOSTILE_SERVER, 53), backlog=128)

    def __enter__(self) -> "NameServer":
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._stopped.set()
        self._udp.sendto(b"", self._udp.getsockname())  # wakes the thread
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()

    def _serve_udp(self) -> None:
        while not self._stopped.is_set():
            wire, client = self._udp.recvfrom(4096)
            for answer in self._answers(wire, by_tcp=False):
                self._udp.sendto(answer, client)
        self._udp.close()

    def _serve_tcp(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,),
                             daemon=True).start()

    def _serve_connection(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE)
            while head := connection.recv(2):
                wire = connection.recv(struct.unpack("!H", head)[0])
                answers = self._answers(wire, by_tcp=True)
                if not answers:
                    return
                for answer in answers:
                    self._send_tcp(connection, Query(wire, True).manner, answer)

    def _send_tcp(self, connection: socket.socket, manner: str, answer: bytes) -> None:
        framed = struct.pack("!H", len(answer)) + answer
        end = time.monotonic() + PATIENCE
        if manner == "tcp-drip":
            for octet in framed:
                connection.sendall(bytes([octet]))
                if self._stopped.wait(1) or time.monotonic() > end:
                    return
        elif manner == "tcp-endless":
            while time.monotonic() < end and not self._stopped.is_set():
                connection.sendall(b"\xff\xff" + bytes(65535))
        else:
            connection.sendall(framed)

    def _answers(self, wire: bytes, by_tcp: bool) -> list[bytes]:
        try:
            query = Query(wire, by_tcp)
        except (dns.exception.DNSException, IndexError, KeyError):
            return []
        self.queries[query.manner] += 1
        try:
            answers = query.answer(query)
        except Exception as bug:  # of ours: the test looks for it
            self.faults.append(f"{query.name} {query.type}: {bug!r}")
            return []
        return answers if answers is not None else [self._honest(query)]

    def _honest(self, query: Query) -> bytes:
        name, domain = query.name, query.domain
        has_policy = query.manner in self.policy_hosts
        records = {
            (domain, "MX"): f"{domain} 300 MX 10 mx.{domain}.",
            (f"mx.{domain}", "A"): f"{name} 300 A {addresses.MX_HOST}",
        }
        if has_policy:
            records[f"_mta-sts.{domain}", "TXT"] = f'{name} 300 TXT "v=STSv1; id=1;"'
            records[f"mta-sts.{domain}", "A"] = f"{name} 300 A {self.policy_hosts[query.manner]}"
        found = records.get((name, query.type))
        return _wire(query, query.response(*[found] if found else []))


def _wire(query: Query, message: dns.message.Message) -> bytes:
    """Cut to what UDP takes, with TC, if it must be."""
    wire = message.to_wire(max_size=65535)
    if query.by_tcp or len(wire) <= 1232:
        return wire
    message.flags |= dns.flags.TC
    message.answer, message.authority, message.additional = [], [], []
    return message.to_wire()


def _honestly(_: Query) -> None:
    return None


def _many_mx(query: Query) -> list[bytes] | None:
    if query.type == "MX" and not query.owner:
        hosts = " | ".join(f"{n} m{n}.{query.domain}." for n in range(500))
        return [_wire(query, query.response(f"{query.domain} 300 MX {hosts}"))]
    if query.type == "A" and query.owner.startswith("m"):
        return [_wire(query, query.response(f"{query.name} 300 A {addresses.MX_HOST}"))]
    return None


def _cname_loop(query: Query) -> list[bytes]:
    other = query.domain if query.owner else f"b.{query.domain}"
    return [_wire(query, query.response(f"{query.name} 300 CNAME {other}."))]


def _cname_endless(query: Query) -> list[bytes]:
    number = int(query.owner[1:]) if query.owner[1:].isdigit() else 0
    return [_wire(query, query.response(
        f"{query.name} 300 CNAME n{number + 1}.{query.domain}."))]


def _with_ttl(ttl: int):
    def answer(query: Query) -> list[bytes] | None:
        records = {
            ("", "MX"): f"{query.name} {ttl} MX 10 mx.{query.domain}.",
            ("mx", "A"): f"{query.name} {ttl} A {addresses.MX_HOST}",
        }
        found = records.get((query.owner, query.type))
        return [_wire(query, query.response(found))] if found else None
    return answer


def _truncated(query: Query) -> list[bytes]:
    """Over TCP the connection is closed without a word."""
    if query.by_tcp:
        return []
    message = query.response()
    message.flags |= dns.flags.TC
    return [message.to_wire()]


def _over_tcp(query: Query) -> list[bytes] | None:
    return None if query.by_tcp else _truncated(query)


def _garbage(query: Query) -> list[bytes]:
    return [struct.pack("!H", query.message.id) + os.urandom(500)]


def _counts(query: Query) -> list[bytes]:
    """A head that promises 65535 records of each kind."""
    return [struct.pack("!6H", query.message.id, 0x8400, 1, 65535, 65535, 65535)
            + query.message.to_wire()[12:]]


def _pointer_loop(query: Query) -> list[bytes]:
    """A name that is compressed by pointing at itself."""
    question = query.message.to_wire()[12:]
    end = question.index(b"\0") + 5
    head = struct.pack("!6H", query.message.id, 0x8400, 1, 1, 0, 0) + question[:end]
    pointer = struct.pack("!H", 0xC000 | len(head))
    return [head + pointer + struct.pack("!HHIH", 15, 1, 300, 4) + b"\0\x0a" + pointer]


def _other_names(query: Query) -> list[bytes] | None:
    """Beside the honest answer, records of somebody else's domain."""
    if query.type != "MX":
        return None
    message = query.response(
        f"{query.domain} 300 MX 10 mx.{query.domain}.",
        f"dane.example 86400 MX 10 mx.{query.domain}.",
        "_25._tcp.mx.dane.example 86400 TLSA 3 1 1 " + "00" * 32,
    )
    message.authority.append(dns.rrset.from_text(
        dns.name.from_text("example"), 86400, "IN", "NS", f"ns.{query.domain}."))
    message.additional.append(dns.rrset.from_text(
        dns.name.from_text("mx.dane.example"), 86400, "IN", "A", "127.66.6.6"))
    return [_wire(query, message)]


def _other_question(query: Query) -> list[bytes]:
    message = query.response(f"dane.example 300 MX 10 mx.{query.domain}.")
    message.question = [dns.rrset.RRset(dns.name.from_text("dane.example"), 1, 15)]
    return [message.to_wire()]


def _wrong_id(query: Query) -> list[bytes]:
    message = query.response(f"{query.name} 300 MX 10 mx.{query.domain}.")
    answers = []
    for step in range(1, 50):
        message.id = (query.message.id + step) % 65536
        answers.append(message.to_wire())
    return answers


def _referrals(query: Query) -> list[bytes] | None:
    """To 25 name servers without addresses, whose names lead to the same again (NXNSAttack)."""
    if not query.owner:
        return None
    message = query.response()
    message.flags &= ~dns.flags.AA
    below = query.owner.rpartition(".")[2]
    names = [f"ns.{below}-{n}.{query.domain}." for n in range(25)]
    message.authority = [dns.rrset.from_text_list(
        dns.name.from_text(f"{below}.{query.domain}"), 300, "IN", "NS", names)]
    return [_wire(query, message)]


def _many_records(query: Query) -> list[bytes] | None:
    if query.owner != "_mta-sts" or query.type != "TXT":
        return None
    texts = " | ".join(f'"v=STSv1; id={n};"' for n in range(500))
    return [_wire(query, query.response(f"{query.name} 300 TXT {texts}"))]


def _long_record(query: Query) -> list[bytes] | None:
    if query.owner != "_mta-sts" or query.type != "TXT":
        return None
    strings = " ".join(f'"{"x" * 255}"' for _ in range(200))
    return [_wire(query, query.response(f'{query.name} 300 TXT "v=STSv1; id=1; " {strings}'))]


def _many_addresses(query: Query) -> list[bytes] | None:
    """Of the policy host; nothing listens there."""
    if query.owner == "_mta-sts" and query.type == "TXT":
        return [_wire(query, query.response(f'{query.name} 300 TXT "v=STSv1; id=1;"'))]
    if query.owner != "mta-sts" or query.type != "A":
        return None
    data = " | ".join(f"127.44.{100 + n // 200}.{n % 200}" for n in range(500))
    return [_wire(query, query.response(f"{query.name} 300 A {data}"))]


def _aaaa_silent(query: Query) -> list[bytes] | None:
    """As middleboxes do that know only A."""
    return [] if query.type == "AAAA" else None


MANNERS = {
    "many-mx": _many_mx,
    "cname-loop": _cname_loop,
    "cname-endless": _cname_endless,
    "ttl-zero": _with_ttl(0),
    "ttl-huge": _with_ttl(2**31),
    "truncated": _truncated,
    "tcp-drip": _over_tcp,
    "tcp-endless": _over_tcp,
    "garbage": _garbage,
    "counts": _counts,
    "pointer-loop": _pointer_loop,
    "other-names": _other_names,
    "other-question": _other_question,
    "wrong-id": _wrong_id,
    "referrals": _referrals,
    "many-records": _many_records,
    "long-record": _long_record,
    "many-addresses": _many_addresses,
    "aaaa-silent": _aaaa_silent,
}
assert set(MANNERS) == set(ODD_DNS)
