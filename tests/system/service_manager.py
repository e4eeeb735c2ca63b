# service_manager.py: what systemd does for a service of Type=notify, as far as postseald sees it
#
# NOTIFY_SOCKET with the file descriptor store, LISTEN_FDS with LISTEN_FDNAMES, WATCHDOG_USEC. What
# is in the store stays ours while the service is restarted, and is passed to it at each start.
# SPDX-License-Identifier: BSD-3-Clause
import array
import fcntl
import os
import pathlib
import socket
import threading
import time

from world import processes

FIRST_FD = 3
FREE_FD = 50  # above what is passed

# LISTEN_PID is the pid of the service itself.
BECOME = 'for n in ${LISTEN_NUMBERS-}; do eval "exec ${n%:*}<&${n#*:} ${n#*:}<&-"; done; ' \
         'export LISTEN_PID=$$; unset LISTEN_NUMBERS; exec "$@"'


class ServiceManager:
    def __init__(self, folder: pathlib.Path, command: list[str], log: pathlib.Path,
                 watchdog: float | None = None) -> None:
        self.sockets: list[tuple[str, int]] = []  # name, descriptor: those of a .socket unit
        self.stored: dict[str, list[int]] = {}
        self.process = None
        self._messages: list[tuple[float, str]] = []
        self._command = command
        self._log = log
        self._watchdog = watchdog
        self._path = folder / "notify"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(self._path))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "ServiceManager":
        return self

    def __exit__(self, *_) -> None:
        if self.process is not None:
            self.stop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(self._path))
        self._reader.join(10)
        self._notify.close()
        for fd in [fd for fds in self.stored.values() for fd in fds]:
            os.close(fd)

    def start(self) -> None:
        """Until it is ready."""
        passed = self.sockets + [(name, fd) for name, fds in self.stored.items() for fd in fds]
        copies = [fcntl.fcntl(fd, fcntl.F_DUPFD, FREE_FD) for _, fd in passed]
        environment = dict(os.environ, NOTIFY_SOCKET=str(self._path))
        if self._watchdog:
            environment["WATCHDOG_USEC"] = str(int(self._watchdog * 1e6))
        if passed:
            environment["LISTEN_FDS"] = str(len(passed))
            environment["LISTEN_FDNAMES"] = ":".join(name for name, _ in passed)
            environment["LISTEN_NUMBERS"] = " ".join(
                f"{FIRST_FD + n}:{copy}" for n, copy in enumerate(copies)
            )
        begun = time.monotonic()
        command = ["bash", "-c", BECOME, "bash", *self._command]
        self.process = processes.start(command, self._log, env=environment, pass_fds=copies)
        for copy in copies:
            os.close(copy)
        self.wait_for("READY=1", begun)

    def stop(self) -> None:
        status = processes.stop(self.process)
        self.process = None
        assert status == 0, f"status {status}"

    def restart(self) -> None:
        self.stop()
        self.start()

    def messages(self, since: float = 0) -> list[str]:
        return [text for at, text in list(self._messages) if at >= since]

    def wait_for(self, word: str, since: float, patience: float = 20) -> str:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            for text in self.messages(since):
                if word in text.splitlines():
                    return text
            assert self.process is None or self.process.poll() is None, "it has ended"
            time.sleep(0.01)
        raise AssertionError(f"{word} did not come: {self.messages(since)}")

    def _read(self) -> None:
        while True:
            fds = array.array("i")
            data, control, _, _ = self._notify.recvmsg(65536, socket.CMSG_SPACE(64 * fds.itemsize))
            if not data:
                return
            for level, kind, body in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(body[:len(body) - len(body) % fds.itemsize])
            self._take(data.decode(), list(fds))

    def _take(self, text: str, fds: list[int]) -> None:
        fields = dict(line.split("=", 1) for line in text.splitlines())
        name = fields.get("FDNAME", "stored")
        if "FDSTORE" in fields:
            self.stored.setdefault(name, []).extend(fds)
        elif "FDSTOREREMOVE" in fields:
            for fd in self.stored.pop(name, []):
                os.close(fd)
        self._messages.append((time.monotonic(), text))
