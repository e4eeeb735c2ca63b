# standby.py: a real asynchronous standby of shared_server.Server, that can be late and be promoted
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import shutil
import signal
import time

from shared_server import Server
from world import processes


class Standby(Server):
    """A copy of the primary's cluster (pg_basebackup) that follows it over its unix socket."""

    def __init__(self, primary: Server, address: str = "") -> None:
        """Without an address it takes over the primary's, when that has been stopped."""
        super().__init__(address=address or primary.address)
        self._primary = primary
        if not address:
            self._options = [option for option in self._options
                             if not option.startswith("listen_addresses=")]
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        data = self.folder / "data"
        result = processes.run([*as_server(), program("pg_basebackup"), "-h", str(primary.folder),
                                "-U", "postseal", "-D", str(data), "-X", "stream", "-R",
                                "-c", "fast", "--no-sync"])
        assert result.returncode == 0, result.stderr

    def wait_until_caught_up(self) -> None:
        wanted = self._primary.sql("postgres", "SELECT pg_current_wal_lsn()")
        behind = f"SELECT pg_last_wal_replay_lsn() >= '{wanted}'::pg_lsn"
        end = time.monotonic() + 60
        while self.sql("postgres", behind) != "t":
            assert time.monotonic() < end, "the standby does not follow"
            time.sleep(0.05)

    def cut(self) -> None:
        """From its primary: nothing more arrives, as when the network between them breaks."""
        self.sql("postgres", "ALTER SYSTEM SET primary_conninfo = ''")
        self.sql("postgres", "SELECT pg_reload_conf()")
        end = time.monotonic() + 60
        while self.sql("postgres", "SELECT count(*) FROM pg_stat_wal_receiver") != "0":
            assert time.monotonic() < end
            time.sleep(0.02)

    def promote(self) -> None:
        self.sql("postgres", "SELECT pg_promote()")

    def take_over(self) -> None:
        """Promoted, at the primary's address. The primary is not running any more."""
        self.promote()
        process, self._process = self._process, None
        process.send_signal(signal.SIGINT)
        process.wait(60)
        self._options.append(f"listen_addresses={self.address}")
        self.start()


def as_server() -> list[str]:
    if os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def program(name: str) -> str:
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else name
