# table.py: reads domains.table
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
from dataclasses import dataclass

PATH = pathlib.Path(__file__).with_name("domains.table")
NOT_FOUND = "-"
TEMP = "TEMP"


@dataclass(frozen=True)
class Expectation:
    line: int
    key: str
    legacy: str
    tlsrpt: str
    row: str
    reason: str

    @property
    def verdict_class(self) -> str:
        """As explain names it."""
        if self.legacy == NOT_FOUND:
            return "may"
        if self.legacy == TEMP:
            return "tempfail"
        return "enforce" if self.legacy.startswith("secure ") else "dane"


def read() -> list[Expectation]:
    rows = []
    for number, line in enumerate(PATH.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 5:
            raise ValueError(f"{PATH.name}:{number}: five fields, please")
        key, legacy, tlsrpt, row, reason = fields
        rows.append(Expectation(number, key, legacy, tlsrpt or legacy, row, reason))
    return rows
