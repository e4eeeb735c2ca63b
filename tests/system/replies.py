# replies.py: our own replies to verdicts made of chance, and a socketmap server that gives them
# SPDX-License-Identifier: BSD-3-Clause
import re
import socketserver
import threading

from daemon import program
from world.processes import run

MAP_PORT = 8440
PATIENCE = 240  # seconds
NOT_FOUND = b"9:NOTFOUND ,"


def netstring_text(whole: bytes) -> str:
    length, _, rest = whole.partition(b":")
    assert rest.endswith(b",") and len(rest) == int(length) + 1
    return rest[:-1].decode("ascii")


class Replies(socketserver.ThreadingTCPServer):
    """The first number in the key says which reply; there is none for a key without one."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 200

    def __init__(self, replies: list[bytes]) -> None:
        super().__init__(("127.0.0.1", MAP_PORT), _Handler)
        self.replies = replies

    def __enter__(self) -> "Replies":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()

    def answer(self, key: str) -> bytes:
        number = re.search(r"\d+", key)
        return self.replies[int(number[0])] if number else NOT_FOUND


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while head := self._length():
            payload = self.rfile.read(head + 1)
            self.wfile.write(self.server.answer(payload[:-1].decode().partition(" ")[2]))

    def _length(self) -> int:
        digits = b""
        while (octet := self.rfile.read(1)) and octet != b":":
            digits += octet
        return int(digits) if octet else 0


def make_replies(form: str, count: int, seed: int) -> list[bytes]:
    result = run([program("tests/print_replies"), form, str(count), str(seed)], PATIENCE)
    assert result.returncode == 0, result.stderr
    return [line.encode("ascii") for line in result.stdout.splitlines()]
