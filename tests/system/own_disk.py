# own_disk.py: a program whose database is on a disk that is slow, full or damaged
# (tests/support/own_disk.cpp)
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import errno
import pathlib
import struct

from daemon import build_folder

ALL = -1


class OwnDisk:
    """One disorder at a time; each is from `with` to its end."""

    def __init__(self, file: pathlib.Path) -> None:
        """Sound at first."""
        self._file = file
        self._set()
        self.library = build_folder() / "tests" / "own_disk.so"
        self.variable = f"OWN_DISK={file}"

    @contextlib.contextmanager
    def slow(self, seconds: float):
        """Each fsync(2) takes so long."""
        with self._while(sync_ms=round(seconds * 1000)):
            yield

    @contextlib.contextmanager
    def full(self):
        with self._while(write_error=errno.ENOSPC):
            yield

    @contextlib.contextmanager
    def unreadable(self, reads: int = ALL):
        """So many reads end with EIO."""
        with self._while(read_error=errno.EIO, read_count=reads):
            yield

    @contextlib.contextmanager
    def _while(self, **disorder: int):
        self._set(**disorder)
        try:
            yield
        finally:
            self._set()

    def _set(self, sync_ms: int = 0, read_error: int = 0, read_count: int = 0,
             write_error: int = 0) -> None:
        values = struct.pack("=4i", sync_ms, read_error, read_count, write_error)
        # The program has it mapped.
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:
            file.write(values)
