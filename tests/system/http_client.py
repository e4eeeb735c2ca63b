# http_client.py: a client of the http listener that shows every octet of an answer
# SPDX-License-Identifier: BSD-3-Clause
import dataclasses
import socket

from daemon import PATIENCE


@dataclasses.dataclass
class Answer:
    status: int
    fields: dict[str, str]  # names in lower case
    body: str


def read_all(client: socket.socket) -> bytes:
    """What comes until the other side closes."""
    received = b""
    while part := client.recv(65536):
        received += part
    return received


def parse(received: bytes) -> Answer:
    head, _, body = received.decode("utf-8").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return Answer(int(first.split()[1]), {name.lower(): fields[name] for name in fields}, body)


def ask(port: int, path: str, method: str = "GET", host: str = "localhost") -> Answer:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
                       .encode("ascii"))
        return parse(read_all(client))
