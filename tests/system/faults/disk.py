# disk.py: the daemon's state on a small file system of its own, which only it sees
#
# Entered before the daemon starts.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import os
import pathlib
import subprocess

from world import Unavailable
from world.processes import run


class Disk:
    def __init__(self, daemon, size: str = "1m") -> None:
        """`size`: as tmpfs(5) has it. Unavailable: this machine does not let us mount."""
        if os.getuid() != 0:
            raise Unavailable("only root can mount a small file system")
        self._state = daemon.folder / "state"
        script = f"mount -t tmpfs -o size={size} postseal {self._state} && echo mounted && exec cat"
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        if self._holder.stdout.readline() != b"mounted\n":
            self._holder.communicate()
            raise Unavailable("cannot mount a file system of our own")
        self.enter = ["nsenter", "--mount", "--root", "--target", str(self._holder.pid)]
        daemon.enter_command = self.enter

    def __enter__(self) -> "Disk":
        return self

    def __exit__(self, *_) -> None:
        self._holder.communicate()

    def fill(self) -> None:
        """Till not an octet is left."""
        with open(self.path("ballast"), "wb", buffering=0) as ballast:
            with contextlib.suppress(OSError):
                while ballast.write(b"x" * 4096):
                    pass

    def make_room(self) -> None:
        self.path("ballast").unlink()

    def remount(self, how: str) -> None:
        done = run([*self.enter, "mount", "-o", f"remount,{how}", str(self._state)])
        assert done.returncode == 0, done.stderr

    def path(self, name: str) -> pathlib.Path:
        """As seen from without."""
        return pathlib.Path(f"/proc/{self._holder.pid}/root{self._state}/{name}")
