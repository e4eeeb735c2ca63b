# processes.py: child processes that never outlive us
#
# Linux ends them when the thread that started them ends: start them from the main thread.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import ctypes
import pathlib
import signal
import subprocess

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def start(command: list[str], log: pathlib.Path, **how) -> subprocess.Popen:
    """`log` gets standard output and standard error, appended."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            preexec_fn=_end_with_parent, **how,
        )


def stop(process: subprocess.Popen, patience: float = 10) -> int:
    """The exit status; a process that does not end is killed."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def run(command: list[str], timeout: float = 60) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
    )


def family(pid: int) -> list[int]:
    """The process and all that it has started, the oldest first."""
    parents: dict[int, list[int]] = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for parent in found:
        found += parents.get(parent, [])
    return found


def _end_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
