# delegating.py: a name server that delegates what it is asked for to a victim, who never answers
#
# Serves hostile.example. KIND.hostile.example has 32 mail hosts, each
#   zones     in a zone of its own, whose name server is the victim;
#   one-zone  in one zone, whose name server is the victim;
#   names     in a zone of its own with ten name servers, whose names are in such zones; its
#             _mta-sts is such a zone, too.
# own.hostile.example has as many in its own zone, all of which it answers, after `delay` seconds.
# `packets` counts what the victim gets, by KIND, `queries` what this server does.
# SPDX-License-Identifier: BSD-3-Clause
import collections
import contextlib
import socket
import threading

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from world import addresses

ZONE = "hostile.example"
HOSTS = 32
NAMES = 10
KINDS = ("zones", "one-zone", "names")


def host(kind: str, n: int) -> str:
    if kind == "own":
        return f"h{n}.own.{ZONE}"
    zone = "z0" if kind == "one-zone" else f"z{n}"
    return f"h{n}.{zone}.{kind}.{ZONE}"


class DelegatingServer:
    """While in the context."""

    def __init__(self, victim: str = addresses.VICTIM_SERVER) -> None:
        self.packets = collections.Counter()
        self.queries = 0
        self.delay = 0.0
        self._victim = victim
        self._stopped = False
        self._sockets = []
        self._threads = []

    def __enter__(self) -> "DelegatingServer":
        for address, serve in ((addresses.HOSTILE_SERVER, self._serve),
                               (self._victim, self._count)):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            udp.bind((address, 53))
            self._sockets.append(udp)
            self._threads.append(threading.Thread(target=serve, args=(udp,), daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *_) -> None:
        self._stopped = True
        for udp in self._sockets:
            udp.sendto(b"", udp.getsockname())  # wakes the thread
        for thread in self._threads:
            thread.join()

    def _count(self, udp: socket.socket) -> None:
        while not self._stopped:
            wire, _ = udp.recvfrom(4096)
            with contextlib.suppress(dns.exception.DNSException):
                name = dns.message.from_wire(wire).question[0].name
                self.packets[name.labels[-4].decode()] += 1
        udp.close()

    def _serve(self, udp: socket.socket) -> None:
        while not self._stopped:
            wire, client = udp.recvfrom(4096)
            self.queries += 1
            with contextlib.suppress(dns.exception.DNSException):
                answer = self._answer(dns.message.from_wire(wire)).to_wire()
                threading.Timer(self.delay, self._send, (udp, answer, client)).start()
        udp.close()

    def _send(self, udp: socket.socket, wire: bytes, client) -> None:
        with contextlib.suppress(OSError):
            udp.sendto(wire, client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        labels = name.removesuffix(f".{ZONE}").split(".")
        response = dns.message.make_response(query)
        if name.endswith(f".{ZONE}") and len(labels) > 1 and labels[-1] in KINDS:
            self._refer(response, ".".join([labels[-2], labels[-1], ZONE]))
            return response
        response.flags |= dns.flags.AA
        if labels[0] in (*KINDS, "own") and question.rdtype == dns.rdatatype.MX:
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", "MX", [
                f"{n} {host(labels[0], n)}." for n in range(HOSTS)]))
        elif labels[0].startswith("h") and question.rdtype == dns.rdatatype.A:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", "192.0.2.1"))
        else:
            response.authority.append(dns.rrset.from_text(
                dns.name.from_text(ZONE), 60, "IN", "SOA", f"ns.{ZONE}. h.{ZONE}. 1 1 1 1 60"))
        return response

    def _refer(self, response: dns.message.Message, zone: str) -> None:
        first, kind, _ = zone.split(".", 2)
        owner = dns.name.from_text(zone)
        if kind == "names" and not first.startswith("y"):
            servers = [f"ns.y{first.strip('_z')}x{n}.names.{ZONE}." for n in range(NAMES)]
            response.authority.append(dns.rrset.from_text_list(owner, 60, "IN", "NS", servers))
            return
        response.authority.append(dns.rrset.from_text(owner, 60, "IN", "NS", f"ns.{zone}."))
        response.additional.append(
            dns.rrset.from_text(f"ns.{zone}.", 60, "IN", "A", self._victim))
