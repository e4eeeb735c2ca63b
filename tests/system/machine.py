# machine.py: a machine of its own for a daemon: a network namespace, and a cable to the world
#
# The world's addresses, 127.0.0.0/8 and fd00::/16, are reached by the cable as by any network; only
# 127.0.0.1 is the machine's own. Needs the kernel's veth; Unavailable says so.
# SPDX-License-Identifier: BSD-3-Clause
import itertools
import os
import pathlib
import time

from world import Unavailable, processes

_numbers = itertools.count(1)
PATIENCE = 20


def let_127_pass(device: str) -> list[str]:
    """A command."""
    return ["sh", "-c", f"echo 1 >/proc/sys/net/ipv4/conf/{device}/route_localnet"]


class Machine:
    def __init__(self, folder: pathlib.Path) -> None:
        number = next(_numbers)
        net, host = divmod(4 * number, 256)
        self._world, self._own = f"10.53.{net}.{host + 1}", f"10.53.{net}.{host + 2}"
        self.addresses = (self._own, f"fd53::{number:x}:2")  # as the world sees it
        self._cable = f"cable{number}"
        self._holder = processes.start(["unshare", "--net", "sleep", "infinity"],
                                       folder / "machine")
        pid = self._holder.pid
        self.enter_command = ["nsenter", "-t", str(pid), "-n"]
        self._wait_for_namespace()
        for command in (
            f"ip link add {self._cable} type veth peer name uplink netns {pid}",
            f"ip address add {self._world}/30 dev {self._cable}",
            f"ip address add fd53::{number:x}:1/112 dev {self._cable} nodad",
            f"ip link set {self._cable} up",
        ):
            self._run(command.split())
        self._run(let_127_pass(self._cable))
        self._join(number)

    def end(self) -> None:
        processes.stop(self._holder)

    def lose(self, address: str) -> None:
        """What goes to this address is lost, silently."""
        self._here("ip", "route", "replace", f"{address}/32", "dev", "hole")

    def find(self, address: str) -> None:
        self._here("ip", "route", "del", f"{address}/32", "dev", "hole")

    def capture(self, address: str) -> None:
        """The address is this machine's own: whoever listens here gets what goes to it."""
        self._here("ip", "route", "add", "local", f"{address}/32", "dev", "lo", "table", "local")

    def release(self, address: str) -> None:
        """What was captured is reached by the cable again."""
        self._here("ip", "route", "del", "local", f"{address}/32", "dev", "lo", "table", "local")

    def _wait_for_namespace(self) -> None:
        end = time.monotonic() + PATIENCE
        while os.readlink(f"/proc/{self._holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            if self._holder.poll() is not None or time.monotonic() > end:
                raise Unavailable("no second network namespace")
            time.sleep(0.01)

    def _join(self, number: int) -> None:
        for command in (
            "ip link set lo up",
            f"ip address add {self._own}/30 dev uplink",
            f"ip address add fd53::{number:x}:2/112 dev uplink nodad",
            "ip link set uplink up",
            "ip link add hole type veth peer name nowhere",
            "ip link set hole up",
            "ip link set nowhere up",
        ):
            self._here(*command.split())
        self._here(*let_127_pass("uplink"))
        for command in (
            "ip route del local 127.0.0.0/8 dev lo table local",
            f"ip route add 127.0.0.0/8 via {self._world} dev uplink src {self._own}",
            f"ip -6 route add fd00::/16 via fd53::{number:x}:1",
        ):
            self._here(*command.split())

    def _here(self, *command: str) -> None:
        self._run([*self.enter_command, *command])

    def _run(self, command: list[str]) -> None:
        done = processes.run(command)
        if done.returncode != 0:
            self.end()
            raise Unavailable(f"{' '.join(command)}: {done.stderr.strip()}")
