# referring.py: the name servers of a parent and its unsigned child, of which the parent's answers a
# question for the child's DS by a referral (RFC 5155 section 7.2.4 would have it say no data)
#
# The parent's passes all else on to where the zone is served. The proof that the child is not signed,
# NSEC3 with opt-out, is in the referral.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import socket
import threading

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.rrset

from world import addresses

PARENT = "referring.example"
CHILD = f"unsigned.{PARENT}"
BELOW = f"later.{CHILD}"  # a domain with the same mail host
PATIENCE = 5
SOA = "ns.test. h.test. 1 3600 600 86400 60"


class ReferringServers:
    """While in the context; `referred` counts the questions for DS that were answered so."""

    def __init__(self) -> None:
        self.referred = 0
        self._child = dns.name.from_text(CHILD)
        self._stopped = False
        self._sockets = []

    def __enter__(self) -> "ReferringServers":
        for address, answer in ((addresses.REFERRING_SERVER, self._of_parent),
                                (addresses.REFERRED_SERVER, self._of_child)):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind((address, 53))
            self._sockets.append(udp)
            threading.Thread(target=self._serve, args=(udp, answer), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._stopped = True
        for udp in self._sockets:
            udp.sendto(b"", udp.getsockname())  # wakes the thread

    def _serve(self, udp: socket.socket, answer) -> None:
        while not self._stopped:
            wire, client = udp.recvfrom(4096)
            with contextlib.suppress(dns.exception.DNSException, OSError):
                udp.sendto(answer(dns.message.from_wire(wire)).to_wire(), client)
        udp.close()

    def _of_parent(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        if question.name != self._child or question.rdtype != dns.rdatatype.DS:
            return dns.query.udp(query, addresses.ZONE_SERVER, timeout=PATIENCE)
        self.referred += 1
        asked = dns.message.make_query(question.name, "A", want_dnssec=True)
        referral = dns.query.udp(asked, addresses.ZONE_SERVER, timeout=PATIENCE)
        referral.id = query.id
        referral.question = list(query.question)
        return referral

    def _of_child(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        mx = dns.name.from_text("mx", self._child)
        records = {
            (self._child, dns.rdatatype.MX): f"10 {mx}",
            (dns.name.from_text(BELOW), dns.rdatatype.MX): f"10 {mx}",
            (mx, dns.rdatatype.A): addresses.MX_HOST,
        }
        if data := records.get((question.name, question.rdtype)):
            response.answer.append(
                dns.rrset.from_text(question.name, 60, "IN", question.rdtype, data))
        else:
            response.authority.append(dns.rrset.from_text(self._child, 60, "IN", "SOA", SOA))
        return response
