# root.py: a fresh Debian, to install the package in
#
# Unpacked once by mmdebstrap with what the package depends on, and copied for each run, so that
# dpkg needs no mirror. Commands run in it with mounts and processes of its own: all that they start
# ends with the root. systemctl is the one beside this file, as there is no systemd.
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import re
import shutil
import subprocess

import debian

HERE = pathlib.Path(__file__).resolve().parent
# Beside what the package depends on: another init.
ALSO = ["openrc"]
# Until its input ends, which is at our own end at the latest; all processes there end with it. A
# shell waits for those that are orphaned.
HOLD = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" sh -c "cat; true"'


def depends(deb: pathlib.Path) -> list[str]:
    """The first of alternatives, without versions."""
    result = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], capture_output=True, text=True,
                            check=True)
    return [re.split(r"[ (|:]", one.strip())[0] for one in result.stdout.split(",")]


class Root:
    def __init__(self, base: pathlib.Path, path: pathlib.Path, deb: pathlib.Path) -> None:
        """debian.Unavailable is raised if it cannot be obtained. Call it before a network namespace is
        entered: `base`, made anew unless it holds what is needed, comes from the mirror."""
        packages = ",".join([*sorted(depends(deb)), *ALSO])
        note = base / "packages"
        if not note.exists() or note.read_text(encoding="ascii") != packages:
            debian.unpack(debian.OWN_SUITE, base, packages, "essential")
            note.write_text(packages, encoding="ascii")
        subprocess.run(["cp", "-a", base, path], check=True)
        self.path = path
        shutil.copy(HERE / "systemctl", path / "usr/bin/systemctl")
        (path / "run/systemd/system").mkdir(parents=True)  # "systemd runs"
        self._holder: subprocess.Popen | None = None

    def __enter__(self) -> "Root":
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "sh", "-c", HOLD, self.path],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_) -> None:
        self._holder.stdin.close()
        self._holder.wait()

    def command(self, *command) -> list[str]:
        """For a process of the test's own, such as strace's."""
        first = pathlib.Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        while not (child := first.read_text(encoding="ascii").split()):
            assert self._holder.poll() is None, "no namespaces to be had"
        return ["nsenter", "-t", child[0], "-m", "-p", "chroot", str(self.path), "env", "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                "DEBIAN_FRONTEND=noninteractive", *map(str, command)]

    def run(self, *command, status: int = 0) -> str:
        """Standard output and error; the status must be the one given."""
        result = subprocess.run(self.command(*command), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                check=False, timeout=120)
        assert result.returncode == status, f"{command}: {result.returncode}\n{result.stdout}"
        return result.stdout

    def pids(self, program: str) -> list[str]:
        """Of its processes, as they are numbered there."""
        script = 'for p in /proc/[0-9]*; do read -r c < $p/comm && [ "$c" = "$0" ] && ' \
                 'echo "${p#/proc/}"; done; true'
        return self.run("sh", "-c", script, program).split()

    def install(self, deb: pathlib.Path, *options: str) -> str:
        shutil.copy(deb, self.path / "tmp")
        return self.run("dpkg", *options, "-i", f"/tmp/{deb.name}")

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")

    def exists(self, name: str) -> bool:
        """Also a symbolic link, which leads nowhere from outside."""
        return os.path.lexists(self.path / name)
