# netns.py: a network namespace of our own, with nothing in it but loopback
#
# enter() moves the calling thread, and all that it starts later, into a new network namespace; the
# machine's own network is neither seen nor touched from then on. Port 53 and 443 of any 127.x.y.z
# can be bound there. Without root a user namespace is tried first. Call it before any thread runs.
# SPDX-License-Identifier: BSD-3-Clause
import ctypes
import os
import shutil
import subprocess

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


class Unavailable(Exception):
    """No network namespace can be had here; the text says why."""


def enter(ipv6_addresses: list[str]) -> list[str]:
    """What a shell puts before a command to run it in the same namespace."""
    if not shutil.which("ip"):
        raise Unavailable("the command ip is missing: install iproute2")
    uid, gid = os.getuid(), os.getgid()
    _unshare(CLONE_NEWNET if uid == 0 else CLONE_NEWUSER | CLONE_NEWNET)
    if uid != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {uid} 1")
        _write("/proc/self/gid_map", f"0 {gid} 1")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in ipv6_addresses:
        # nodad: usable at once.
        command = ["ip", "address", "add", f"{address}/128", "dev", "lo", "nodad"]
        subprocess.run(command, check=True)
    user = [] if uid == 0 else ["-U", "--preserve-credentials"]
    return ["nsenter", "-t", str(os.getpid()), *user, "-n"]


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise Unavailable(f"no network namespace of our own ({reason}): run this as root")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
