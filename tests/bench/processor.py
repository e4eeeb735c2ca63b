# processor.py: what a process costs: CPU time by thread, memory, and which cores it may use
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import statistics
from dataclasses import dataclass


def pinned(core: int | None) -> list[str]:
    """What stands before a command; None: any core."""
    return [] if core is None else ["taskset", "-c", str(core)]


def cores() -> tuple[int | None, int | None]:
    """One for the server and one for the generator; None where there are no two."""
    ours = sorted(os.sched_getaffinity(0))
    return (ours[0], ours[1]) if len(ours) > 1 else (None, None)


def cpu_by_thread(pid: int) -> dict[str, float]:
    """Seconds so far, by the name of the thread; the process's first is called loop here."""
    used: dict[str, float] = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        if int(task.name) == pid:
            name = "loop"
        nanoseconds = int((task / "schedstat").read_text().split()[0])
        used[name] = used.get(name, 0) + nanoseconds / 1e9
    return used


def difference(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: seconds - before.get(name, 0) for name, seconds in after.items()}


def resident_octets(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")


@dataclass
class Spread:
    """Of some runs."""

    values: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self, form: str = "{:,.0f}") -> str:
        """The median, then the least and the most."""
        parts = [form.format(x) for x in (self.median, min(self.values), max(self.values))]
        return parts[0] if len(self.values) == 1 else f"{parts[0]} ({parts[1]} to {parts[2]})"


def machine() -> str:
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = os.uname()
    return (f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, "
            f"{kernel.sysname} {kernel.release}")
