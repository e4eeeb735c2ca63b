# processes.py: child processes that never outlive us
#
# Linux ends them when the thread that started them ends: start them from the main thread.
# SPDX-License-Identifier: BSD-3-Clause
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


def _end_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
