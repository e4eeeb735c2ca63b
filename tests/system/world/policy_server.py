# policy_server.py: the HTTPS server of all policy hosts, well-behaved and hostile
#
# One thread a connection, HTTP by hand so that it can be wrong. The host is chosen by the name in
# the TLS handshake. What is served may be changed at any time: put another PolicyHost into `hosts`.
# SPDX-License-Identifier: BSD-3-Clause
import collections
import contextlib
import select
import socket
import ssl
import threading
import time
import warnings

from . import addresses
from .catalogue import PolicyHost
from .certificates import CertificateStore

PATH = "/.well-known/mta-sts.txt"
REASONS = {200: "OK", 204: "No Content", 302: "Found", 404: "Not Found", 503: "Unavailable"}
PATIENCE = 60  # seconds a hostile answer goes on for at most


class PolicyServer:
    def __init__(self, hosts: dict[str, PolicyHost], certificates: CertificateStore) -> None:
        self.hosts = hosts
        self.requests: collections.Counter[str] = collections.Counter()  # by domain
        self.connections = 0
        self._certificates = certificates
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._default = self._context("nobody.invalid", PolicyHost())
        # The version is agreed on before the name in the handshake is looked at: its own context.
        self._old_tls = self._context("nobody.invalid", PolicyHost())
        only_old_tls(self._old_tls)
        self._listeners: list[socket.socket] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        for domain, host in self.hosts.items():
            if domain not in self._contexts:
                self._contexts[domain] = self._context(f"mta-sts.{domain}", host)
        manners = {
            addresses.POLICY_HOST: self._serve,
            addresses.POLICY_HOST_V6: self._serve,
            addresses.OLD_TLS_HOST: self._serve_old_tls,
            addresses.SILENT_HOST: self._silence,
        }
        for address, serve in manners.items():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.create_server((address, 443), family=family, backlog=128)
            self._listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener, serve), daemon=True).start()

    @contextlib.contextmanager
    def instead(self, domain: str, host: PolicyHost):
        """For a while the domain has this policy host."""
        before = self.hosts[domain]
        self.hosts[domain] = host
        try:
            yield
        finally:
            self.hosts[domain] = before

    def stop(self) -> None:
        """Connections in progress are cut off; start() may follow."""
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._listeners = []
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _context(self, name: str, host: PolicyHost) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificates.chain(host.certificate, name))
        context.sni_callback = self._choose
        return context

    def _choose(self, connection: ssl.SSLSocket, name: str | None, _context) -> None:
        domain = (name or "").removeprefix("mta-sts.")
        with contextlib.suppress(AttributeError):  # it has been cut off meanwhile
            connection.context = self._contexts.get(domain, self._default)
        connection.policy_domain = domain

    def _accept(self, listener: socket.socket, serve) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._guarded, args=(serve, connection), daemon=True).start()

    def _guarded(self, serve, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            connection.settimeout(PATIENCE)
            with contextlib.suppress(OSError):
                serve(connection)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _silence(self, connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    def _serve_old_tls(self, plain: socket.socket) -> None:
        self._serve(plain, self._old_tls)

    def _serve(self, plain: socket.socket, context: ssl.SSLContext | None = None) -> None:
        with (context or self._default).wrap_socket(
            plain, server_side=True, do_handshake_on_connect=False
        ) as connection:
            with self._lock:
                self._open.add(connection)
            try:
                connection.do_handshake()
                self._answer(connection)
            finally:
                with self._lock:
                    self._open.discard(connection)

    def _answer(self, connection: ssl.SSLSocket) -> None:
        domain = getattr(connection, "policy_domain", "")
        request = b""
        while b"\r\n\r\n" not in request:
            data = connection.recv(4096)
            if not data or len(request) > 65536:
                return
            request += data
        self.requests[domain] += 1
        self.respond(connection, domain, request.split(b" ")[1:2])

    def respond(self, connection: ssl.SSLSocket, domain: str, target: list[bytes]) -> None:
        host = self.hosts.get(domain)
        if host is None or target != [PATH.encode()]:
            host = PolicyHost(b"no policy here\n", status=404)
        self.send(connection, host)

    @staticmethod
    def send(connection: ssl.SSLSocket, host: PolicyHost) -> None:
        for part in _response(host):
            connection.sendall(part)
            if _closed(connection):
                return
        if host.manner != "truncated":
            connection.unwrap()


def only_old_tls(context: ssl.SSLContext) -> None:
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1


def _response(host: PolicyHost):
    """The octets of an answer, in parts."""
    headers = dict(host.headers)
    if host.manner == "chunked":
        headers["Transfer-Encoding"] = "chunked"
    elif host.manner not in ("until-close", "endless"):
        headers["Content-Length"] = str(len(host.body))
    headers["Connection"] = "close"
    head = f"HTTP/1.1 {host.status} {REASONS[host.status]}\r\n"
    for name, values in headers.items():
        for value in values if isinstance(values, tuple) else (values,):
            head += f"{name}: {value}\r\n"
    end = time.monotonic() + PATIENCE
    if host.manner == "endless-head":
        yield head.encode()
        while time.monotonic() < end:
            yield b"X-Padding: " + b"x" * 1000 + b"\r\n"
            time.sleep(0.01)
    yield head.encode() + b"\r\n"
    if host.manner == "endless":
        yield host.body
        while time.monotonic() < end:
            yield b"padding: " + b"x" * 4000 + b"\n"
            time.sleep(0.01)
    elif host.manner == "slow":
        for octet in host.body:
            yield bytes([octet])
            time.sleep(1)
    elif host.manner == "chunked":
        for start in range(0, len(host.body), 7):
            chunk = host.body[start:start + 7]
            yield b"%x\r\n%s\r\n" % (len(chunk), chunk)
        yield b"0\r\n\r\n"
    elif host.manner == "truncated":
        yield host.body[:-5]
    else:
        yield host.body


def _closed(connection: ssl.SSLSocket) -> bool:
    """The client has gone: whatever it sends now ends the answer."""
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable)
