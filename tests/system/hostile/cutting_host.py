# cutting_host.py: a good policy host whose connections end after so many octets
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import socket
import ssl
import threading

from world.certificates import CertificateStore

from .name_server import ZONE
from .policy_hosts import good_response

PATIENCE = 15  # seconds


class CuttingHost:
    """Of the domain NAME.hostile.example; `cut` is for the next connection.

    Octets count in the TLS stream, or in the HTTP response within it. Nothing says that the end
    has come but the end: no alert.
    """

    def __init__(self, name: str, address: str, certificates: CertificateStore) -> None:
        self.name = name
        self.address = address
        self.cut_stream: int | None = None
        self.cut_response: int | None = None
        self.sent = 0  # octets of the stream, on the last connection
        self.whole = False  # whether the response went out whole there
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates.chain("good", f"mta-sts.{name}.{ZONE}"))
        self._listener = socket.create_server((address, 443), backlog=8)

    def __enter__(self) -> "CuttingHost":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(PATIENCE)
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        """TLS in memory, so that what goes out can be counted."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self._context.wrap_bio(incoming, outgoing, server_side=True)
        response = good_response(self.name)[:self.cut_response]
        steps = [tls.do_handshake, lambda: tls.read(4096), lambda: tls.write(response)]
        self.sent, self.whole = 0, False
        while steps:
            try:
                steps[0]()
                steps.pop(0)
            except ssl.SSLWantReadError:
                if not (received := connection.recv(65536)):
                    return
                incoming.write(received)
            data = outgoing.read()
            if self.cut_stream is not None and self.sent + len(data) > self.cut_stream:
                connection.sendall(data[:self.cut_stream - self.sent])
                self.sent = self.cut_stream
                return
            # Before the client can have it.
            self.whole = not steps and response == good_response(self.name)
            self.sent += len(data)
            connection.sendall(data)
