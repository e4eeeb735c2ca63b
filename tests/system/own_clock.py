# own_clock.py: a program whose wall clock is wrong (tests/support/own_clock.cpp)
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import sys
from datetime import timedelta

from daemon import build_folder, preloaded

SYNCHRONISED = "OWN_CLOCK_SYNCHRONISED=1"  # by the kernel's word, as long as it is right


class OwnClock:
    def __init__(self, file: pathlib.Path) -> None:
        """Right at first."""
        self._file = file
        file.write_bytes(bytes(8))
        self.library = build_folder() / "tests" / "own_clock.so"
        self.variable = f"OWN_CLOCK={file}"
        self.enter_command = preloaded(self.library, self.variable)

    def set(self, ahead: timedelta) -> None:
        # The program has it mapped.
        with open(self._file, "r+b") as file:
            file.write(round(ahead.total_seconds()).to_bytes(8, sys.byteorder, signed=True))
