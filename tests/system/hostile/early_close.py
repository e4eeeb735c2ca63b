# early_close.py: a policy host that closes the connection after any octet of the exchange
#
# NAME is HOW-K: how the connection ends, and after how many octets of
#   length     a response with its length; the connection is cut off, without TLS's close_notify
#   notify     the same, with close_notify
#   open       a response that ends with the connection, which is cut off
#   whole      a response that ends with the connection, with close_notify
#   handshake  all that the server says in TLS before the response, which follows if K is beyond
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import socket
import ssl
import threading

from world.certificates import CertificateStore

from .name_server import ZONE
from .policy_hosts import OK, PATIENCE, policy

ADDRESS = "127.44.3.1"
HOWS = ("length", "notify", "open", "whole", "handshake")


def response(name: str) -> bytes:
    """All of it."""
    body = policy(name)
    length = b"Content-Length: %d\r\n" % len(body)
    if name.startswith(("open-", "whole-")):
        length = b""
    return OK + length + b"Connection: close\r\n\r\n" + body


class EarlyClose:
    def __init__(self, certificates: CertificateStore) -> None:
        self.handshake_octets = 0  # of the last that was not cut
        self.uncut: set[str] = set()  # names whose handshake was said to its end
        self.connections = 0
        self._certificates = certificates
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._default = self._context("nobody")
        self._listener = socket.create_server((ADDRESS, 443), backlog=128)

    def __enter__(self) -> "EarlyClose":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _context(self, name: str) -> ssl.SSLContext:
        with self._lock:
            if name not in self._contexts:
                made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                made.load_cert_chain(self._certificates.chain("good", f"mta-sts.{name}.{ZONE}"))
                made.sni_callback = self._choose
                self._contexts[name] = made
            return self._contexts[name]

    def _choose(self, tls: ssl.SSLObject, host: str | None, _context) -> None:
        tls.name = (host or "").removeprefix("mta-sts.").removesuffix(f".{ZONE}")
        tls.context = self._context(tls.name)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError, _Cut):
            plain.settimeout(PATIENCE)
            exchange = _Exchange(plain, self._default)
            exchange.handshake()
            exchange.read_request()
            if exchange.how == "handshake":
                self.handshake_octets = exchange.sent
                self.uncut.add(exchange.name)
            exchange.respond()


class _Cut(Exception):
    pass


class _Exchange:
    def __init__(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        self._plain = plain
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self.how = ""
        self.sent = 0  # octets of TCP

    @property
    def name(self) -> str:
        return self._tls.name

    def handshake(self) -> None:
        self._until_done(self._tls.do_handshake)

    def read_request(self) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += self._until_done(lambda: self._tls.read(4096))

    def respond(self) -> None:
        whole = response(self.name)
        self._tls.write(whole if self.how == "handshake" else whole[:self._at])
        if self.how in ("notify", "whole"):
            with contextlib.suppress(ssl.SSLWantReadError):
                self._tls.unwrap()
        self._plain.sendall(self._out.read())

    def _until_done(self, step):
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._plain.recv(65536)
                if not data:
                    raise _Cut from None
                self._in.write(data)
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        data = self._out.read()
        if data and not self.how:  # the client's first words have been read
            self.how, _, at = self._tls.name.partition("-")
            self._at = int(at)
        if self.how == "handshake":
            data = data[:self._at - self.sent]
        self._plain.sendall(data)
        self.sent += len(data)
        if self.how == "handshake" and self.sent >= self._at:
            raise _Cut
