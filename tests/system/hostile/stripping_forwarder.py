# stripping_forwarder.py: a forwarder that passes questions on, and answers without DNSSEC records
#
# What a home router or an old middlebox does: the question's DO bit (RFC 4035 section 3.2.1) gets no
# signature back. strips can be switched off and on; silent: questions are taken and not answered.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import socketserver
import struct
import threading

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype

PATIENCE = 5
DNSSEC = {dns.rdatatype.RRSIG, dns.rdatatype.DS, dns.rdatatype.NSEC, dns.rdatatype.NSEC3}


class StrippingForwarder:
    def __init__(self, address: str, resolver: str) -> None:
        self.address = address
        self.strips = True
        self.silent = False
        self.asked = 0
        self._resolver = resolver
        self._listeners = [_Udp((address, 53), self), _Tcp((address, 53), self)]

    def __enter__(self) -> "StrippingForwarder":
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        for listener in self._listeners:
            listener.shutdown()
            listener.server_close()

    def answer(self, wire: bytes, ask) -> bytes | None:
        self.asked += 1
        if self.silent:
            return None
        query = dns.message.from_wire(wire)
        response = ask(query, self._resolver, timeout=PATIENCE)
        if self.strips:
            for section in (response.answer, response.authority):
                section[:] = [rrset for rrset in section if rrset.rdtype not in DNSSEC]
        if ask is dns.query.udp and len(response.to_wire()) > 1232:
            response.flags |= dns.flags.TC
            response.answer, response.authority, response.additional = [], [], []
        return response.to_wire()


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, where: tuple[str, int], forwarder: StrippingForwarder) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, socket = self.request
                with contextlib.suppress(dns.exception.DNSException, OSError):
                    if answer := forwarder.answer(data, dns.query.udp):
                        socket.sendto(answer, self.client_address)
        super().__init__(where, Handler)


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, where: tuple[str, int], forwarder: StrippingForwarder) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(dns.exception.DNSException, OSError):
                    while len(head := self.rfile.read(2)) == 2:
                        data = self.rfile.read(struct.unpack("!H", head)[0])
                        if answer := forwarder.answer(data, dns.query.tcp):
                            self.wfile.write(struct.pack("!H", len(answer)) + answer)
        super().__init__(where, Handler)
