# spoofer.py DOMAIN...: who sits between a machine and its name servers, and lies about domains
#
# Listens at the name servers' addresses, which the machine has captured (machine.py), and passes
# questions on to where the same servers can still be reached. A question about a domain, which is not
# signed, is answered by a lie: no MTA-STS record, and mail goes to the liar's host. Says "ready".
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import socketserver
import struct
import sys
import threading

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from world import addresses  # noqa: E402

PATIENCE = 5


class Spoofer:
    def __init__(self, domains: list[str]) -> None:
        self._domains = [dns.name.from_text(domain) for domain in domains]

    def answer(self, wire: bytes, server: str, ask) -> bytes:
        query = dns.message.from_wire(wire)
        (question,) = query.question
        for domain in self._domains:
            # That there is no DS for it is signed by the parent.
            of_parent = question.name == domain and question.rdtype == dns.rdatatype.DS
            if question.name.is_subdomain(domain) and not of_parent:
                return self._lie(query, domain).to_wire()
        return ask(query, addresses.other_way_to(server), timeout=PATIENCE).to_wire()

    @staticmethod
    def _lie(query: dns.message.Message, domain: dns.name.Name) -> dns.message.Message:
        name, kind = query.question[0].name, query.question[0].rdtype
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        records = {
            (domain, dns.rdatatype.MX): f"10 mx.{domain}",
            (dns.name.from_text("mx", domain), dns.rdatatype.A): addresses.DEAD_MAIL_HOST,
        }
        if data := records.get((name, kind)):
            response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, data))
            return response
        if not any(known == name for known, _ in records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        response.authority.append(dns.rrset.from_text(
            domain, 60, "IN", "SOA", f"ns.{domain} liar.{domain} 1 60 60 60 60"))
        return response


def listen(spoofer: Spoofer, server: str) -> None:
    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, socket = self.request
            socket.sendto(spoofer.answer(data, server, dns.query.udp), self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while len(head := self.rfile.read(2)) == 2:
                data = self.rfile.read(struct.unpack("!H", head)[0])
                answer = spoofer.answer(data, server, dns.query.tcp)
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

    for listener in (socketserver.ThreadingUDPServer((server, 53), Udp),
                     socketserver.ThreadingTCPServer((server, 53), Tcp)):
        threading.Thread(target=listener.serve_forever).start()


def main() -> None:
    spoofer = Spoofer(sys.argv[1:])
    for server in addresses.NAME_SERVERS:
        listen(spoofer, server)
    print("ready", flush=True)


if __name__ == "__main__":
    main()
