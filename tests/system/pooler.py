# pooler.py: a pgbouncer in transaction mode before a shared_server.Server
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import shutil
import tempfile
import time

from shared_server import Missing, Server
from world import processes

PORT = 6432


class Pooler:
    """Few connections to the server, for whoever has something to ask."""

    def __init__(self, server: Server, address: str) -> None:
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        if not program:
            raise Missing("pgbouncer is not installed")
        self.address = address
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postseal-pool-"))
        users = self.folder / "users"
        users.write_text('"postseal" ""\n', encoding="ascii")
        settings = self.folder / "pgbouncer.ini"
        settings.write_text(f"""[databases]
* = host={server.folder}
[pgbouncer]
listen_addr = {address}
listen_port = {PORT}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 2
""", encoding="ascii")
        command = [program, str(settings)]
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
                       *command]
        log = self.folder.with_suffix(".log")
        self._log = log
        self._process = processes.start(command, log)
        end = time.monotonic() + 60
        while self._psql("postgres", "SELECT 1").returncode != 0:
            assert self._process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)

    def __enter__(self) -> "Pooler":
        return self

    def __exit__(self, *_) -> None:
        processes.stop(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._log.unlink(missing_ok=True)

    def uri(self, database: str) -> str:
        return f"postgresql://postseal@{self.address}:{PORT}/{database}?sslmode=disable"

    def sql(self, database: str, statement: str) -> str:
        result = self._psql(database, statement)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def _psql(self, database: str, statement: str):
        return processes.run(["psql", "-X", "-q", "-A", "-t", "-h", self.address, "-p", str(PORT),
                              "-U", "postseal", "-d", database, "-c", statement])
