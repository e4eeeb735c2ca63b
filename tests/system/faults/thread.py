# thread.py: one thread of a process stopped, or ended, while the others go on (ptrace(2))
#
# All calls for one thread must come from the same thread of ours. Needs root, for the daemon is not
# dumpable; ending needs x86-64.
# SPDX-License-Identifier: BSD-3-Clause
import ctypes
import os
import pathlib
import platform

from world import Unavailable

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
PTRACE_GETREGS, PTRACE_SETREGS = 12, 13
WALL = 0x40000000  # __WALL: threads, too
SYS_EXIT = 60
SYSCALL = b"\x0f\x05"  # the instruction
_REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags "
              "rsp ss fs_base gs_base ds es fs gs").split()


class _UserRegs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulong) for name in _REGISTERS]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def threads(pid: int) -> dict[int, str]:
    """By number: the name."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return {int(task.name): (task / "comm").read_text().strip() for task in tasks}


class StoppedThread:
    """Stopped from __init__ to let_go() or end()."""

    def __init__(self, pid: int, tid: int) -> None:
        self._pid = pid
        self._tid = tid
        self._call(PTRACE_SEIZE)
        self._call(PTRACE_INTERRUPT)
        os.waitpid(tid, WALL)

    def let_go(self) -> None:
        self._call(PTRACE_DETACH)

    def end(self) -> None:
        """Its next act is exit(2), which ends the thread and not the process."""
        if platform.machine() != "x86_64":
            self.let_go()
            raise Unavailable("a thread can be ended on x86-64 only")
        registers = _UserRegs()
        self._call(PTRACE_GETREGS, ctypes.byref(registers))
        registers.rip = self._syscall_before(registers.rip)
        registers.rax, registers.rdi = SYS_EXIT, 0
        registers.orig_rax = ctypes.c_ulong(-1).value  # no system call is to be begun again
        self._call(PTRACE_SETREGS, ctypes.byref(registers))
        self._call(PTRACE_DETACH)

    def _syscall_before(self, rip: int) -> int:
        """A thread that waits is just behind the instruction that made it wait."""
        with open(f"/proc/{self._pid}/mem", "rb") as memory:
            memory.seek(rip - len(SYSCALL))
            found = memory.read(len(SYSCALL))
        if found != SYSCALL:
            self.let_go()
            raise Unavailable("the thread was not in a system call")
        return rip - len(SYSCALL)

    def _call(self, what: int, data=None) -> None:
        if _libc.ptrace(what, self._tid, None, data) < 0:
            raise Unavailable(f"ptrace({what:#x}): {os.strerror(ctypes.get_errno())}")
