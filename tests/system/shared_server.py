# shared_server.py: a PostgreSQL server of the tests' own
#
# It listens on a unix socket, for the tests, and at an address of the world, for daemons.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator

from daemon import PROJECT
from world import addresses, processes

STARTUP = 60
UNAVAILABLE = 69
ANYBODY = "host all all 0.0.0.0/0 trust"
# A disk of its own in a mount namespace of its own: its folder, its size in megabytes, a command.
SMALL_DISK = ('mount -t tmpfs -o "size=$1m,mode=700" tmpfs "$0";'
              ' [ "$(id -u)" != 0 ] || chown postgres "$0"; shift; exec "$@"')


class Missing(Exception):
    """PostgreSQL is not installed; the text says so."""


class Server:
    def __init__(self, *options: str, address: str = addresses.SHARED_STORE,
                 who: str = ANYBODY, chain: pathlib.Path | None = None,
                 disk: int = 0, parameters: str = "") -> None:
        """Options of postgresql.conf, beside those that make it quick; `who` may connect to the
        address, a line of pg_hba.conf; `chain`: for TLS, with its key. No address: the unix
        socket is all there is. `disk`: new databases are on one of so many megabytes.
        `parameters`: more of them, for the URI."""
        self.address = address
        # The path of a unix socket is short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postseal-pg-"))
        hba = self.folder / "hba"
        hba.write_text(f"local all all trust\n{who}\n", encoding="ascii")
        self._options = [f"listen_addresses={address}", f"hba_file={hba}", *options]
        if chain:
            self._options += ["ssl=on", *(f"ssl_{what}_file={self._take(chain)}"
                                          for what in ("cert", "key"))]
        self._disk = disk
        self._parameters = parameters
        self._process: subprocess.Popen | None = None
        self._names = (f"fleet{n}" for n in itertools.count(1))

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _take(self, chain: pathlib.Path) -> pathlib.Path:
        """A copy that only the server may read."""
        own = pathlib.Path(shutil.copy(chain, self.folder / "chain.pem"))
        own.chmod(0o600)
        if os.getuid() == 0:
            with contextlib.suppress(LookupError):  # it will not start, and say so
                shutil.chown(own, "postgres")
        return own

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        log = self.folder / "server.log"
        command = [str(PROJECT / "tests/support/postgres"), str(self.folder),
                   *itertools.chain.from_iterable(("-c", option) for option in self._options)]
        if self._disk:
            self._small_disk.mkdir()
            command = ["unshare", "--mount", "sh", "-ec", SMALL_DISK, str(self._small_disk),
                       str(self._disk), *command]
        self._process = processes.start(command, log)
        end = time.monotonic() + STARTUP
        while self._psql("postgres", "SELECT 1").returncode != 0:
            status = self._process.poll()
            if status == UNAVAILABLE:
                raise Missing(log.read_text(errors="replace").strip())
            assert status is None and time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.05)
        if self._disk:
            self.sql("postgres", f"CREATE TABLESPACE small LOCATION '{self._small_disk}'")

    @property
    def _small_disk(self) -> pathlib.Path:
        return self.folder / "small"

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        """Nothing more fits on the small one."""
        filler = pathlib.Path(f"/proc/{self.pid}/root{self._small_disk}/filler")
        try:
            with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            yield
        finally:
            filler.unlink()

    def stop(self) -> None:
        """At once, its clients are cut off."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGQUIT)
        process.wait(30)

    def new_database(self) -> str:
        name = next(self._names)
        where = " TABLESPACE small" if self._disk else ""
        self.sql("postgres", f"CREATE DATABASE {name}{where}")
        return name

    def sql(self, database: str, statement: str) -> str:
        """The first column of the rows, a line each."""
        result = self._psql(database, statement)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def uri(self, database: str) -> str:
        if not self.address:
            return f"postgresql:///{database}?host={self.folder}&user=postseal"
        return f"postgresql://postseal@{self.address}/{database}?sslmode=disable{self._parameters}"

    def _psql(self, database: str, statement: str) -> subprocess.CompletedProcess:
        return processes.run(["psql", "-X", "-q", "-A", "-t", "-h", str(self.folder), "-U",
                              "postseal", "-d", database, "-c", statement])
