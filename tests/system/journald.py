# journald.py: systemd's own journal, kept by a journald of ours in a mount namespace
#
# What runs there, by the command `enter`, has /run to itself: its journal is not one of the machine's.
# SPDX-License-Identifier: BSD-3-Clause
import json
import pathlib
import shutil
import time

from world import processes

JOURNALD = "/lib/systemd/systemd-journald"
MACHINE_ID = "/etc/machine-id"
PATIENCE = 20  # seconds
# In memory, and of nothing but what is sent to it.
SETUP = f"""\
mount -t tmpfs none /run
mkdir -p /run/systemd/journald.conf.d
printf '[Journal]\\nStorage=volatile\\nAudit=no\\nReadKMsg=no\\nForwardToWall=no\\n' \
    > /run/systemd/journald.conf.d/test.conf
tr -d - < /proc/sys/kernel/random/uuid > /run/machine-id
mount --bind /run/machine-id {MACHINE_ID}
exec {JOURNALD}
"""


def missing() -> str:
    """Why there can be none; empty: there can."""
    if not pathlib.Path(JOURNALD).exists() or not shutil.which("journalctl"):
        return "install systemd"
    return "" if pathlib.Path(MACHINE_ID).exists() else f"there is no {MACHINE_ID}"


class Journald:
    def __init__(self, folder: pathlib.Path) -> None:
        self._log = folder / "journald"

    def __enter__(self) -> "Journald":
        self._process = processes.start(["unshare", "--mount", "sh", "-ec", SETUP], self._log)
        self.enter = ["nsenter", "--mount", "--root", "--target", str(self._process.pid)]
        socket = pathlib.Path(f"/proc/{self._process.pid}/root/run/systemd/journal/socket")
        end = time.monotonic() + PATIENCE
        # Before its mounts are made that is the machine's own.
        while not self._mounted() or not socket.is_socket():
            assert self._process.poll() is None and time.monotonic() < end, self._log.read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_) -> None:
        processes.stop(self._process)

    def _mounted(self) -> bool:
        mounts = pathlib.Path(f"/proc/{self._process.pid}/mountinfo").read_text(encoding="utf-8")
        return any(line.split()[4] == MACHINE_ID and "/machine-id" in line.split()[3]
                   for line in mounts.splitlines())

    def find(self, *matches: str) -> list[dict]:
        """The entries that journalctl finds, once there is one."""
        end = time.monotonic() + PATIENCE
        while not (lines := self.journalctl("--output=json", *matches).splitlines()):
            assert time.monotonic() < end, f"{matches} in:\n{self.journalctl()}"
            time.sleep(0.1)
        return [json.loads(line) for line in lines]

    def journalctl(self, *arguments: str) -> str:
        command = [*self.enter, "journalctl", "--quiet", "--no-pager", *arguments]
        return processes.run(command).stdout
