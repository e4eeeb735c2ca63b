# soak_stage.py: the daemon of a soak, and what is around it that a fault can touch
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import json
import pathlib
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dns.name

from daemon import Daemon, preloaded
from own_clock import OwnClock
from own_disk import OwnDisk
from soak_history import History, Interval, Kill
from soak_pace import Pace
from world import signing
from world.changing import Changing, ChangingWorld

PORT = 8461
VERSION = re.compile(rb"\bv(\d+)\.")  # in a pattern of a policy
DAY = 24 * 3600 * 1000  # ms
LONGEST_RETRY = timedelta(hours=1, minutes=5)  # and what a busy machine needs
DNS_TIMEOUT = "6s"  # before the name server is back, and long for a busy machine
SETTINGS = {"dns": {"timeout": DNS_TIMEOUT}, "log": {"level": "info"}}


class Stage:
    def __init__(self, world: ChangingWorld, folder: pathlib.Path, history: History, pace: Pace,
                 crowd: int) -> None:
        self.world = world
        self.history = history
        self.pace = pace
        self.crowd = crowd  # policies that are wanted at once
        self.violations: list[str] = []  # in what is scheduled, not in an answer
        self.daemon = Daemon(world, folder, PORT, **SETTINGS)
        self.clock = OwnClock(folder / "clock")
        self.disk = OwnDisk(folder / "disk")
        self.daemon.enter_command = preloaded(
            f"{self.clock.library}:{self.disk.library}", self.clock.variable, self.disk.variable)

    @property
    def database(self) -> pathlib.Path:
        return self.daemon.folder / "state" / "postseal.db"

    def kill(self) -> None:
        kill = Kill(time.monotonic())
        self.history.kills.append(kill)
        self.daemon.kill()
        kill.until = time.monotonic()
        kill.stored = self._check_store()

    def start(self) -> None:
        self.daemon.start()

    def forget(self, domains: list[Changing]) -> None:
        command = Interval(time.monotonic())
        for domain in domains:
            self.history.forgotten.setdefault(domain.name, []).append(command)
        done = self.daemon.tool("forget", *(domain.name for domain in domains))
        assert done.returncode in (0, 1), done.stderr  # 1: nothing was stored of one of them
        command.until = time.monotonic()

    def offering(self) -> list[Changing]:
        """A policy, of which the daemon knows."""
        return [d for d in self.world.domains.values()
                if d.served and d.policy.status == 200 and d.dns.sts_id is not None]

    def held(self) -> list[Changing]:
        """Domains of which the daemon holds a policy that outlives the soak."""
        return [d for d in self.world.domains.values()
                for s in [s for s in d.served if s.policy.status == 200][-1:]
                if s.policy.mode == "enforce" and s.policy.max_age > 3600]

    @contextlib.contextmanager
    def configured(self, **settings: dict) -> Iterator[None]:
        """For the processes that start meanwhile."""
        self.daemon.write_configuration(self.daemon.with_settings(**settings))
        try:
            yield
        finally:
            self.daemon.write_configuration(self.daemon.settings)

    def check_retries(self, domains: list[Changing]) -> None:
        """Whose policy could not be fetched is tried again within an hour (section 4)."""
        for domain in domains:
            explained = self.daemon.tool("explain", "--json", domain.name)
            assert explained.returncode in (0, 1), explained.stderr
            retry_at = json.loads(explained.stdout)["mta_sts"]["retry_at"]
            if retry_at and datetime.fromisoformat(retry_at) - datetime.now(UTC) > LONGEST_RETRY:
                self.violations.append(f"{domain.name}: is tried again at {retry_at} only")

    def unrefreshed(self) -> list[str]:
        """In the file, when the daemon has ended: policies that live on, and that nobody will fetch
        again within a day (section 4 of the design)."""
        now = time.time() * 1000
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            rows = db.execute("SELECT domain FROM sts WHERE length(body) > 0 AND expires_at > ?"
                              " AND (refresh_at = 0 OR refresh_at > ?)",
                              (now + 60_000, now + DAY + 60_000)).fetchall()
        return [f"{domain}: a policy in force that is not to be refreshed within a day"
                for (domain,) in rows]

    def _check_store(self) -> dict[str, tuple[int, float]]:
        """Its policies, see Kill. A copy is read: to open the file would repair it."""
        with tempfile.TemporaryDirectory() as copies:
            for part in self.database.parent.glob("postseal.db*"):
                shutil.copy(part, copies)
            with contextlib.closing(sqlite3.connect(f"{copies}/postseal.db")) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                rows = db.execute("SELECT domain, body, fetched_at FROM sts"
                                  " WHERE length(body) > 0").fetchall()
        began = time.time() - time.monotonic()  # of the clock of our times
        found = ((domain, VERSION.search(body), at / 1000 - began) for domain, body, at in rows)
        return {domain: (int(version[1]), at) for domain, version, at in found if version}


def other_anchor(folder: pathlib.Path) -> pathlib.Path:
    """Of a key that the root does not have."""
    path = folder / "other.key"
    path.write_text(signing.trust_anchor(dns.name.root, signing.Key()), encoding="ascii")
    return path
