# machine.py: a machine of its own for a daemon: a network namespace, and a cable to the world
#
# The world's addresses, 127.0.0.0/8 and fd00::/16, are reached by the cable as by any network; only
# 127.0.0.1 is the machine's own. Needs the kernel's veth; Unavailable says so.
# SPDX-License-Identifier: BSD-3-Clause
import itertools
import os
import pathlib
import subprocess
import time

from world import Unavailable, processes

_numbers = itertools.count(1)
PATIENCE = 20


class Machine:
    def __init__(self, folder: pathlib.Path) -> None:
        number = next(_numbers)
        net, host = divmod(4 * number, 256)
        self._world, self._own = f"10.53.{net}.{host + 1}", f"10.53.{net}.{host + 2}"
        self._cable = f"cable{number}"
        self._holder = processes.start(["unshare", "--net", "sleep", "infinity"],
                                       folder / "machine")
        pid = self._holder.pid
        self.enter_command = ["nsenter", "-t", str(pid), "-n"]
        self._wait_for_namespace()
        self._ip("link", "add", self._cable, "type", "veth", "peer", "name", "uplink",
                 "netns", str(pid))
        self._ip("address", "add", f"{self._world}/30", "dev", self._cable)
        self._ip("address", "add", f"fd53::{number:x}:1/112", "dev", self._cable, "nodad")
        self._ip("link", "set", self._cable, "up")
        self._let_127_pass(self._cable, [])
        self._join(number)

    def end(self) -> None:
        processes.stop(self._holder)

    def lose(self, address: str) -> None:
        """What goes to this address is lost, silently."""
        self._run("ip", "route", "replace", f"{address}/32", "dev", "hole")

    def find(self, address: str) -> None:
        self._run("ip", "route", "del", f"{address}/32", "dev", "hole")

    def capture(self, address: str) -> None:
        """The address is this machine's own: whoever listens here gets what goes to it."""
        self._run("ip", "route", "add", "local", f"{address}/32", "dev", "lo", "table", "local")

    def _wait_for_namespace(self) -> None:
        end = time.monotonic() + PATIENCE
        while os.readlink(f"/proc/{self._holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            if self._holder.poll() is not None or time.monotonic() > end:
                raise Unavailable("no second network namespace")
            time.sleep(0.01)

    def _join(self, number: int) -> None:
        for command in (
            "link set lo up",
            f"address add {self._own}/30 dev uplink",
            f"address add fd53::{number:x}:2/112 dev uplink nodad",
            "link set uplink up",
            "link add hole type veth peer name nowhere",
            "link set hole up",
            "link set nowhere up",
            "route del local 127.0.0.0/8 dev lo table local",
        ):
            self._run("ip", *command.split())
        self._let_127_pass("uplink", self.enter_command)
        self._run("ip", "route", "add", "127.0.0.0/8", "via", self._world, "dev", "uplink",
                  "src", self._own)
        self._run("ip", "-6", "route", "add", "fd00::/16", "via", f"fd53::{number:x}:1")

    def _let_127_pass(self, device: str, enter: list[str]) -> None:
        setting = f"/proc/sys/net/ipv4/conf/{device}/route_localnet"
        subprocess.run([*enter, "sh", "-c", f"echo 1 >{setting}"], check=True)

    def _run(self, *command: str) -> None:
        subprocess.run([*self.enter_command, *command], check=True)

    def _ip(self, *words: str) -> None:
        done = processes.run(["ip", *words])
        if done.returncode != 0:
            self.end()
            raise Unavailable(f"ip {' '.join(words)}: {done.stderr.strip()}")
