# table.py: reads domains.table and mail.table
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
from dataclasses import dataclass

FOLDER = pathlib.Path(__file__).parent
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
            # Row 11 defers nothing of its own: a policy is in force, and none can be written.
            return "enforce" if self.row == "11" else "tempfail"
        return "enforce" if self.legacy.startswith("secure ") else "dane"


@dataclass(frozen=True)
class Delivery:
    """What must become of a message: see mail.table."""

    line: int
    domain: str
    legacy: str
    tlsrpt: str
    reason: str


def read() -> list[Expectation]:
    return [
        Expectation(line, key, legacy, tlsrpt or legacy, row, reason)
        for line, (key, legacy, tlsrpt, row, reason) in _rows("domains.table", 5)
    ]


def read_deliveries() -> list[Delivery]:
    return [
        Delivery(line, domain, legacy, tlsrpt or legacy, reason)
        for line, (domain, legacy, tlsrpt, reason) in _rows("mail.table", 4)
    ]


def _rows(name: str, count: int) -> list[tuple[int, list[str]]]:
    """The number of each line and its fields."""
    rows = []
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != count:
            raise ValueError(f"{name}:{number}: {count} fields, please")
        rows.append((number, fields))
    return rows
