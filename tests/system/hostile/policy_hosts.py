# policy_hosts.py: policy hosts that do harm, each on an address of its own
#
# A manner is a function that gets the connection: after the TLS handshake if it is in AFTER_TLS,
# the bare TCP connection if it is in BEFORE_TLS.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import datetime
import itertools
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from world import processes
from world.certificates import CertificateStore

from .name_server import ZONE

PATIENCE = 15  # seconds that one goes on for at most
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def policy(name: str, *more_mx: str) -> bytes:
    lines = ["version: STSv1", "mode: enforce", f"mx: mx.{name}.{ZONE}",
             *(f"mx: {mx}" for mx in more_mx), "max_age: 604800"]
    return "".join(line + "\n" for line in lines).encode()


def good_response(name: str) -> bytes:
    body = policy(name)
    return OK + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


# --- After the handshake: what is sent -------------------------------------------------------

def _until_late(parts: Iterator[bytes], pause: float = 0) -> Iterator[bytes]:
    end = time.monotonic() + PATIENCE
    for part in parts:
        if time.monotonic() > end:
            return
        yield part
        time.sleep(pause)


def _drip(name: str) -> Iterator[bytes]:
    return _until_late((bytes([octet]) for octet in good_response(name)), 1)


def _endless_headers(_: str) -> Iterator[bytes]:
    yield OK
    yield from _until_late(b"X-%d: %s\r\n" % (n, b"x" * 50) for n in itertools.count())


def _endless_header(_: str) -> Iterator[bytes]:
    yield OK + b"X: "
    yield from _until_late(b"x" * 1000 for _ in itertools.count())


def _endless_chunks(_: str) -> Iterator[bytes]:
    yield OK + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from _until_late(b"1\r\nx\r\n" for _ in itertools.count())


def _endless_extension(_: str) -> Iterator[bytes]:
    yield OK + b"Transfer-Encoding: chunked\r\n\r\n5;"
    yield from _until_late(b"x" * 1000 for _ in itertools.count())


def _endless_trailers(_: str) -> Iterator[bytes]:
    yield OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    yield from _until_late(b"X: %s\r\n" % (b"x" * 100) for _ in itertools.count())


def _endless_interim(_: str) -> Iterator[bytes]:
    yield from _until_late(b"HTTP/1.1 100 Continue\r\n\r\n" for _ in itertools.count())


def _once(make: Callable[[str], bytes]) -> Callable[[str], Iterator[bytes]]:
    return lambda name: iter([make(name)])


def _with_length(length: str) -> Callable[[str], Iterator[bytes]]:
    return _once(lambda name: OK + f"Content-Length: {length}\r\n\r\n".encode() + policy(name))


def _redirects_to_itself(name: str) -> bytes:
    return (b"HTTP/1.1 302 Found\r\nLocation: https://mta-sts.%s.%s/.well-known/mta-sts.txt\r\n"
            b"Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
            % (name.encode(), ZONE.encode()))


def _many_mx(count: int) -> Callable[[str], Iterator[bytes]]:
    def answer(name: str) -> bytes:
        body = policy(name, *(f"m{n}.example" for n in range(count)))
        return OK + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return _once(answer)


AFTER_TLS: dict[str, Callable[[str], Iterator[bytes]]] = {
    "drip": _drip,
    "endless-headers": _endless_headers,
    "endless-header": _endless_header,
    "endless-chunks": _endless_chunks,
    "endless-extension": _endless_extension,
    "endless-trailers": _endless_trailers,
    "endless-interim": _endless_interim,
    "huge-chunk": _once(lambda name: OK + b"Transfer-Encoding: chunked\r\n\r\n"
                        b"FFFFFFFFFFFFFFFF\r\n" + policy(name)),
    "length-too-long": _with_length("1000"),
    "length-too-short": _with_length("60"),
    "length-huge": _with_length("99999999999999999999"),
    "length-negative": _with_length("-1"),
    "two-lengths": _with_length("91\r\nContent-Length: 10"),
    "nul-in-head": _once(lambda name: OK + b"X: a\0b\r\n\r\n" + policy(name)),
    "nul-in-body": _once(lambda name: OK + b"\r\n" + policy(name).replace(b"mode", b"\0mode")),
    "nothing-but-nul": _once(lambda _: bytes(100_000)),
    "hundred-thousand-mx": _many_mx(100_000),
    "as-many-mx-as-fit": _many_mx(3_600),
    "redirect-loop": _once(_redirects_to_itself),
    "not-http": _once(lambda _: b"220 mail.example ESMTP\r\n"),
    "good": _once(good_response),
}


# --- In place of the handshake ---------------------------------------------------------------

def _handshake_drips(connection: socket.socket) -> None:
    """The head of a record of 16 KiB, then an octet a second of it."""
    connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x40\x00")
    for _ in _until_late(itertools.count(), 1):
        connection.sendall(b"\x03")


def _silence(connection: socket.socket) -> None:
    time.sleep(PATIENCE)


def _flood(record: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        for _ in _until_late(itertools.count()):
            connection.sendall(record * 100)
    return send


def _not_tls(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


BEFORE_TLS: dict[str, Callable[[socket.socket], None]] = {
    "handshake-drips": _handshake_drips,
    "handshake-never-begins": _silence,
    "flood-of-cipher-changes": _flood(b"\x14\x03\x03\x00\x01\x01"),
    "flood-of-warnings": _flood(b"\x15\x03\x03\x00\x02\x01\x5a"),
    "flood-of-empty-records": _flood(b"\x16\x03\x03\x00\x00"),
    "flood-of-hello-requests": _flood(b"\x16\x03\x03\x00\x04\x00\x00\x00\x00"),
    "not-tls": _not_tls,
}


# --- The hosts -------------------------------------------------------------------------------

class PolicyHosts:
    """One for each manner, at 127.44.2.1, 127.44.2.2 and so on."""

    def __init__(self, certificates: CertificateStore) -> None:
        self._listeners: list[socket.socket] = []
        self._programs: list[subprocess.Popen] = []
        self.connections = 0
        self.addresses: dict[str, str] = {}
        self._numbers = itertools.count(1)
        for name, answer in AFTER_TLS.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.chain("good", f"mta-sts.{name}.{ZONE}"))
            self._listen(name, lambda plain, n=name, a=answer, c=context: _answer(plain, c, a(n)))
        for name, manner in BEFORE_TLS.items():
            self._listen(name, manner)
        self._long_chain(certificates)
        self._renegotiating(certificates)

    def __enter__(self) -> "PolicyHosts":
        return self

    def __exit__(self, *_) -> None:
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for program in self._programs:
            processes.stop(program)

    def next_address(self) -> str:
        return f"127.44.2.{next(self._numbers)}"

    def _listen(self, name: str, serve: Callable[[socket.socket], None]) -> None:
        self.addresses[name] = address = self.next_address()
        listener = socket.create_server((address, 443), backlog=64)
        self._listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, serve), daemon=True).start()

    def _accept(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=_guarded, args=(serve, connection), daemon=True).start()

    def _long_chain(self, certificates: CertificateStore) -> None:
        """Fifty certificates between the host's and the root's."""
        name = "chain-of-fifty"
        file = certificates.folder / "chain-of-fifty.pem"
        file.write_bytes(_chain_of(50, certificates, f"mta-sts.{name}.{ZONE}"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self._listen(name, lambda plain: _answer(plain, context, iter([good_response(name)])))

    def _renegotiating(self, certificates: CertificateStore) -> None:
        """OpenSSL's server asks for another handshake again and again: a line "R" makes it."""
        name = "renegotiation"
        self.addresses[name] = address = self.next_address()
        chain = certificates.chain("good", f"mta-sts.{name}.{ZONE}")
        if not shutil.which("openssl"):
            raise RuntimeError("install openssl")
        program = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"{address}:443", "-cert", str(chain), "-key",
             str(chain), "-tls1_2", "-cipher", "DEFAULT"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self._programs.append(program)
        threading.Thread(target=_keep_saying, args=(program, b"R\n"), daemon=True).start()


def _keep_saying(program: subprocess.Popen, line: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):
        while program.poll() is None:
            program.stdin.write(line)
            program.stdin.flush()
            time.sleep(0.2)


def _guarded(serve: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        connection.settimeout(PATIENCE)
        serve(connection)


def _answer(plain: socket.socket, context: ssl.SSLContext, parts: Iterator[bytes]) -> None:
    with context.wrap_socket(plain, server_side=True) as connection:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(4096) or b"\r\n\r\n"
        for part in parts:
            connection.sendall(part)
        connection.unwrap()


def _chain_of(length: int, certificates: CertificateStore, host: str) -> bytes:
    now = datetime.datetime.now(datetime.timezone.utc)
    issuer, issuer_key = certificates.root.certificate.subject, certificates.root.key
    chain: list[bytes] = []
    for n in range(length + 1):
        last = n == length
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"number {n}")])
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
        )
        if last:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        else:
            builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        certificate = builder.sign(issuer_key, hashes.SHA256())
        chain.insert(0, certificate.public_bytes(serialization.Encoding.PEM))
        issuer, issuer_key = subject, key
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    return pem + b"".join(chain)
