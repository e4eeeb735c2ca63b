# resources.py: what a process holds, as the kernel counts it
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib


def patience(seconds: float) -> float:
    """So long where nothing else runs; longer in proportion where many wait for each processor."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def resident(pid: int) -> int:
    """KiB of memory."""
    return _field(pid, "VmRSS")


def peak(pid: int) -> int:
    """KiB of memory, the most that it ever was."""
    return _field(pid, "VmHWM")


def descriptors(pid: int) -> int:
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def _field(pid: int, name: str) -> int:
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.partition(f"{name}:")[2].split()[0])
