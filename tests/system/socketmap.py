# socketmap.py: a client of socketmap_table(5) that can be as rude as a test needs
# SPDX-License-Identifier: BSD-3-Clause
import socket


def netstring(payload: str | bytes) -> bytes:
    data = payload.encode("utf-8") if isinstance(payload, str) else payload
    return b"%d:%s," % (len(data), data)


def request(map_name: str, key: str) -> bytes:
    return netstring(f"{map_name} {key}")


class Closed(Exception):
    """The server closed the connection before a whole reply."""


class Connection:
    def __init__(self, socket_: socket.socket) -> None:
        self.socket = socket_
        self._buffer = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def ask(self, map_name: str, key: str) -> str:
        self.send(request(map_name, key))
        return self.receive()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> str:
        """The next reply's text."""
        while b":" not in self._buffer:
            self._more()
        length, _, rest = self._buffer.partition(b":")
        assert length.isdigit(), f"not a netstring: {self._buffer[:100]!r}"
        size = int(length)
        while len(rest) < size + 1:
            self._more()
            rest = self._buffer.partition(b":")[2]
        assert rest[size:size + 1] == b",", f"not a netstring: {self._buffer[:100]!r}"
        self._buffer = rest[size + 1:]
        return rest[:size].decode("utf-8")

    def is_closed_by_server(self) -> bool:
        """True: closed without a word. False: something was said."""
        try:
            return not self._buffer and self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def _more(self) -> None:
        try:
            data = self.socket.recv(65536)
        except ConnectionError as why:
            raise Closed from why
        if not data:
            raise Closed
        self._buffer += data
