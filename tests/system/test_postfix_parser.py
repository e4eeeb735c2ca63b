# test_postfix_parser.py: ten thousand replies to verdicts made of chance, read by postmap(1)
# SPDX-License-Identifier: BSD-3-Clause
import socketserver
import subprocess
import threading

from daemon import program
from world.processes import run

COUNT = 10_000
MAP_PORT = 8440
PATIENCE = 240  # seconds


def netstring_text(whole: bytes) -> str:
    length, _, rest = whole.partition(b":")
    assert rest.endswith(b",") and len(rest) == int(length) + 1
    return rest[:-1].decode("ascii")


class Replies(socketserver.ThreadingTCPServer):
    """A socketmap server that has the replies ready; the key is the number."""

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
        return self.replies[int(key)]


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


def test_postmap_reads_them(programs, world, tmp_path):
    replies = make_replies("tlsrpt", COUNT, 1)
    texts = [netstring_text(reply) for reply in replies]
    readable = [n for n, text in enumerate(texts) if not text.startswith("TEMP ")]
    assert len(replies) == COUNT and len(readable) > COUNT * 3 // 4
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n", encoding="ascii")
    with Replies(replies):
        result = subprocess.run(
            ["postmap", "-c", str(tmp_path), "-q", "-",
             f"socketmap:inet:127.0.0.1:{MAP_PORT}:replies"],
            input="".join(f"{n}\n" for n in readable), capture_output=True, text=True,
            timeout=PATIENCE, check=True,
        )
    assert result.stderr == ""
    found = dict(line.split("\t", 1) for line in result.stdout.splitlines())
    assert found == {str(n): texts[n].removeprefix("OK ") for n in readable
                     if texts[n].startswith("OK ")}
