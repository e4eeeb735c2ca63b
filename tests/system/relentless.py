# relentless.py: clients that ask without pause, as Postfix's do
#
# smtp(8) keeps its connection, and asks once more, silently, when that was closed before a whole
# reply came; "Connection refused" defers the mail at once.
# SPDX-License-Identifier: BSD-3-Clause
import itertools
import threading
import time
from collections.abc import Callable

from socketmap import Closed, Connection

ANSWERS = {
    "dane.example": "OK dane-only",
    "sts-one.example": "OK secure match=mx.sts-one.example servername=hostname",
    "plain.example": "NOTFOUND ",
}


class Client(threading.Thread):
    def __init__(self, connect: Callable[[], Connection], keeps: bool) -> None:
        super().__init__(daemon=True)
        self.answered = 0
        self.retried = 0
        self.failures: list[str] = []
        self._connect = connect
        self._keeps = keeps
        self._connection: Connection | None = None
        self._ended = threading.Event()

    def run(self) -> None:
        for key in itertools.cycle(ANSWERS):
            if self._ended.is_set():
                break
            try:
                reply = self._ask(key)
            except (OSError, Closed) as why:
                self.failures.append(f"{key}: {why!r}")
                continue
            self.answered += 1
            if reply != ANSWERS[key]:
                self.failures.append(f"{key}: {reply}")
        self._close()

    def end(self) -> None:
        self._ended.set()
        self.join(30)

    def _ask(self, key: str) -> str:
        try:
            return self._ask_once(key)
        except (Closed, ConnectionResetError, BrokenPipeError):
            self.retried += 1
            return self._ask_once(key)

    def _ask_once(self, key: str) -> str:
        if self._connection is None:
            self._connection = self._connect()
        try:
            reply = self._connection.ask("postfix", key)
        except BaseException:
            self._close()
            raise
        if not self._keeps:
            self._close()
        return reply

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Clients:
    """Half of them keep their connection, the others make one for each query."""

    def __init__(self, *connects: Callable[[], Connection]) -> None:
        self._clients = [Client(connect, keeps) for connect in connects for keeps in (True, False)]

    def __enter__(self) -> "Clients":
        for client in self._clients:
            client.start()
        self.wait_for_answers()
        return self

    def __exit__(self, *_) -> None:
        for client in self._clients:
            client.end()

    def wait_for_answers(self) -> None:
        """Until each has got another one."""
        before = [client.answered for client in self._clients]
        end = time.monotonic() + 60
        while any(client.answered <= n for client, n in zip(self._clients, before)):
            assert time.monotonic() < end, f"no answer: {self.failures()}"
            time.sleep(0.01)

    def failures(self) -> list[str]:
        return [failure for client in self._clients for failure in client.failures]

    def answered(self) -> int:
        return sum(client.answered for client in self._clients)
