# mail_sink.py: the SMTP servers of all mail hosts, with STARTTLS (RFC 5321, RFC 3207)
#
# One thread a connection. Every message is accepted, but hosts that want a client certificate refuse
# those that came without; `received` says for each recipient which address took the last one and how
# it came.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import selectors
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from .certificates import AUTHORITY_LEFT_OUT, CertificateStore
from .mail_catalogue import NO_STARTTLS, MailHost, Manner
from .policy_server import only_old_tls

PORTS = (25, 587)
PATIENCE = 60  # seconds without a word
SLOWNESS = 2  # seconds


@dataclass(frozen=True)
class Received:
    address: str
    tls: str | None  # "TLSv1.3"
    client: str | None  # the common name of the client's certificate
    mail: str  # the whole MAIL command
    message: str


class MailSink:
    def __init__(self, hosts: list[MailHost], certificates: CertificateStore) -> None:
        self.received: dict[str, Received] = {}  # by recipient
        self._hosts = hosts
        self._contexts = {
            host.name: _context(host, certificates)
            for host in hosts if host.certificate != NO_STARTTLS
        }
        self._listeners = selectors.DefaultSelector()
        self._stopping = socket.socketpair()

    def address(self, name: str) -> str:
        return next(host.address for host in self._hosts if host.name == name)

    def start(self) -> None:
        self._listeners.register(self._stopping[0], selectors.EVENT_READ)
        for host in self._hosts:
            for port in PORTS:
                family = socket.AF_INET6 if ":" in host.address else socket.AF_INET
                listener = socket.create_server((host.address, port), family=family, backlog=64)
                self._listeners.register(listener, selectors.EVENT_READ, host)
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._stopping[1].close()

    def _accept(self) -> None:
        while True:
            for key, _ in self._listeners.select():
                if key.data is None:
                    return
                connection, _ = key.fileobj.accept()
                arguments = (connection, key.data)
                threading.Thread(target=self._guarded, args=arguments, daemon=True).start()

    def _guarded(self, connection: socket.socket, host: MailHost) -> None:
        connection.settimeout(PATIENCE)
        session = _Session(connection, host, self._contexts.get(host.name), self.received)
        with contextlib.closing(session), contextlib.suppress(OSError):
            session.serve()


class _Session:
    def __init__(self, connection: socket.socket, host: MailHost, context: ssl.SSLContext | None,
                 received: dict[str, Received]) -> None:
        self._connection = connection
        self._host = host
        self._context = context
        self._received = received
        self._input = connection.makefile("rb")
        self._tls: str | None = None
        self._client: str | None = None
        self._mail = ""
        self._recipients: list[str] = []

    def close(self) -> None:
        self._input.close()
        self._connection.close()

    def serve(self) -> None:
        if self._greet():
            self._serve_commands()

    def _greet(self) -> bool:
        """Whether commands may follow."""
        manner = self._host.manner
        if manner == Manner.SILENT:
            self._input.readline()
            return False
        if manner == Manner.SLOW:
            time.sleep(SLOWNESS)
        busy = manner == Manner.BUSY
        self._say("421 too busy" if busy else f"220 {self._host.name} ESMTP")
        return not busy

    def _serve_commands(self) -> None:
        while line := self._input.readline():
            text = line.decode("utf-8").rstrip("\r\n")
            verb = text.partition(" ")[0].upper()
            if verb == "EHLO" and self._host.manner != Manner.NO_EHLO:
                self._say(*self._extensions())
            elif verb == "HELO":
                self._say(f"250 {self._host.name}")
            elif verb == "STARTTLS" and self._context and not self._tls:
                self._start_tls(self._context)
            elif verb in ("MAIL", "RCPT", "DATA", "RSET", "NOOP"):
                self._mail_transaction(verb, text)
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("502 no such command")

    def _extensions(self) -> list[str]:
        offered = [self._host.name, "8BITMIME", "SMTPUTF8"]
        if self._context and not self._tls:
            offered.append("STARTTLS")
        if self._tls and self._host.requiretls:
            offered.append("REQUIRETLS")
        return [f"250-{word}" for word in offered[:-1]] + [f"250 {offered[-1]}"]

    def _start_tls(self, context: ssl.SSLContext) -> None:
        manner = self._host.manner
        if manner == Manner.REFUSES_TLS:
            self._say("454 4.7.0 not now")
            return
        self._say("220 go ahead", *(["250 slipped in"] if manner == Manner.INJECTED else []))
        if manner == Manner.CUT:
            self._connection.recv(1)
            raise ConnectionAbortedError
        encrypted = context.wrap_socket(self._connection, server_side=True)
        self._connection = encrypted
        self._input = encrypted.makefile("rb")
        self._tls = encrypted.version()
        certificate = encrypted.getpeercert()
        self._client = dict(*certificate["subject"])["commonName"] if certificate else None

    def _mail_transaction(self, verb: str, text: str) -> None:
        if verb == "MAIL" and self._host.client_certificate and not self._client:
            self._say("550 5.7.0 a client certificate, please")
            return
        if verb in ("MAIL", "RSET"):
            self._mail, self._recipients = text, []
        elif verb == "RCPT":
            self._recipients.append(text.partition("<")[2].partition(">")[0])
        elif verb == "DATA":
            self._say("354 go on")
            lines = list(iter(self._input.readline, b".\r\n"))
            message = b"".join(lines).decode(errors="replace")
            how = Received(self._host.address, self._tls, self._client, self._mail, message)
            self._received.update(dict.fromkeys(self._recipients, how))
        self._say("250 fine")

    def _say(self, *lines: str) -> None:
        self._connection.sendall("".join(f"{line}\r\n" for line in lines).encode())


def _context(host: MailHost, certificates: CertificateStore) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.mail_chain(host.certificate, host.name))
    if host.manner == Manner.OLD_TLS:
        only_old_tls(context)
    # OpenSSL sends along what it believes.
    if host.certificate != AUTHORITY_LEFT_OUT:
        context.load_verify_locations(certificates.ca_file)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
