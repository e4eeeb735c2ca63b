# shared_server.py: a PostgreSQL server of the tests' own, and cables to it that can be cut
#
# The server listens on a unix socket only. A Cable is a TCP port on loopback that leads to it, so
# that one daemon can be cut off while the others are not.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import itertools
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from daemon import PROJECT
from world import processes

STARTUP = 60
UNAVAILABLE = 69


class Missing(Exception):
    """PostgreSQL is not installed; the text says so."""


class Server:
    def __init__(self, *options: str) -> None:
        """Options of postgresql.conf, beside those that make it quick."""
        self._options = options
        # The path of a unix socket is short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postseal-pg-"))
        self._process: subprocess.Popen | None = None
        self._names = (f"fleet{n}" for n in itertools.count(1))

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def socket(self) -> str:
        return str(self.folder / ".s.PGSQL.5432")

    def start(self) -> None:
        log = self.folder / "server.log"
        command = [str(PROJECT / "tests/support/postgres"), str(self.folder),
                   *itertools.chain.from_iterable(("-c", option) for option in self._options)]
        self._process = processes.start(command, log)
        end = time.monotonic() + STARTUP
        while self._psql("postgres", "SELECT 1").returncode != 0:
            status = self._process.poll()
            if status == UNAVAILABLE:
                raise Missing(log.read_text(errors="replace").strip())
            assert status is None and time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, its clients are cut off."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGQUIT)
        process.wait(30)

    def new_database(self) -> str:
        name = next(self._names)
        self.sql("postgres", f"CREATE DATABASE {name}")
        return name

    def sql(self, database: str, statement: str) -> str:
        """The first column of the rows, a line each."""
        result = self._psql(database, statement)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def uri(self, database: str) -> str:
        return f"postgresql:///{database}?host={self.folder}&user=postseal"

    def _psql(self, database: str, statement: str) -> subprocess.CompletedProcess:
        return processes.run(["psql", "-X", "-q", "-A", "-t", "-h", str(self.folder), "-U",
                              "postseal", "-d", database, "-c", statement])


class Cable:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        with socket.create_server(("127.0.0.1", 0)) as any_port:
            self.port = any_port.getsockname()[1]
        self.mend()

    def uri(self, database: str) -> str:
        return f"postgresql://postseal@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """What is open ends, and nothing new comes through."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            still_open = list(self._open)
        for end in still_open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._server.socket)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source}
        source.close()
