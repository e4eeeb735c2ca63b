# test_postfix_parser.py: ten thousand replies to verdicts made of chance, before Postfix's own parsers
#
# postmap(1) reads the protocol, smtp(8) the policy: a delivery for each reply, to a port where
# nobody listens, which Postfix tries only after it has understood the policy. The control is a
# policy that it does not understand.
# SPDX-License-Identifier: BSD-3-Clause
import re
import socketserver
import subprocess
import threading
import time

import pytest

from daemon import program
from postfix import policy_map
from world.processes import run

FIRST_PORT = 20_000
COUNT = 10_000  # for postmap(1)
DELIVERIES = 3_500  # for each release
BATCH = 2_500  # recipients of a message
MAP_PORT = 8440
PATIENCE = 240  # seconds
BAD = "OK secure match=mx.example.com nonsense=1"

SETTINGS = {
    "smtp_tls_policy_maps": f"socketmap:inet:127.0.0.1:{MAP_PORT}:replies",
    "smtp_tls_security_level": "may",
    "transport_maps": "regexp:/mnt/etc/transport",
    "smtpd_recipient_limit": "20000",
    "minimal_backoff_time": "3h",
    "default_process_limit": "50",
}
TRANSPORT = r"/^u([0-9]+)@many\.test$/ smtp:[127.0.0.1]:$1" + "\n"
_STATUS = re.compile(r"to=<u(\d+)@many\.test>.*status=(\w+) \((.*)\)$", re.MULTILINE)


def netstring_text(whole: bytes) -> str:
    length, _, rest = whole.partition(b":")
    assert rest.endswith(b",") and len(rest) == int(length) + 1
    return rest[:-1].decode("ascii")


class Replies(socketserver.ThreadingTCPServer):
    """A socketmap server that has the replies ready; the last digits of the key say which."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 200

    def __init__(self, replies: list[bytes]) -> None:
        super().__init__(("127.0.0.1", MAP_PORT), _Handler)
        self.replies = replies
        self.asked: set[int] = set()

    def __enter__(self) -> "Replies":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()

    def answer(self, key: str) -> bytes:
        number = int(re.search(r"(\d+)$", key)[1])
        number -= FIRST_PORT if number >= FIRST_PORT else 0
        self.asked.add(number)
        return self.replies[number]


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


def test_smtp_understands_them(release, new_postfix, programs):
    """A policy that it does not understand is a warning, and mail that waits for us."""
    form = "tlsrpt" if policy_map(release) == "tlsrpt" else "legacy"
    replies = make_replies(form, DELIVERIES, 2)
    texts = [netstring_text(reply) for reply in replies] + [BAD]
    replies.append(b"%d:%s," % (len(BAD), BAD.encode()))
    bad = len(replies) - 1
    temp = {n for n, text in enumerate(texts) if text.startswith("TEMP ")}
    postfix = new_postfix(release, SETTINGS, files={"transport": TRANSPORT})
    begun = time.monotonic()
    with Replies(replies) as server, postfix:
        for first in range(0, len(replies), BATCH):
            with postfix.client() as client:
                numbers = range(first, min(first + BATCH, len(replies)))
                client.sendmail("", [f"u{FIRST_PORT + n}@many.test" for n in numbers],
                                "Subject: a test\n\nHello.\n")
        outcomes: dict[int, str] = {}
        while len(outcomes) < len(replies) and time.monotonic() - begun < PATIENCE:
            time.sleep(1)
            log = postfix.log_text()
            outcomes = {int(port) - FIRST_PORT: text for port, _, text in _STATUS.findall(log)}
        assert server.asked == set(range(len(replies)))
    print(f"\nPostfix {'.'.join(map(str, release.version))}: {len(replies)} policies in "
          f"{time.monotonic() - begun:.0f} s, {len(temp)} of them temporary failures")
    assert len(outcomes) == len(replies)
    not_understood = {n for n, text in outcomes.items() if "TLS configuration problem" in text}
    assert {n: (texts[n], outcomes[n]) for n in not_understood - temp - {bad}} == {}
    assert bad in not_understood, "the control"
    warnings = [line for line in log.splitlines()
                if re.search(r"warning: .*(policy|attribute|TLS)", line)
                and f":{FIRST_PORT + bad}" not in line and "socketmap" not in line
                and not any(f":{FIRST_PORT + n}" in line for n in temp)]
    assert warnings == []
