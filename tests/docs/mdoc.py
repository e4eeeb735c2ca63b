# mdoc.py: what the tests read from the source of a man page (mdoc(7))
# SPDX-License-Identifier: BSD-3-Clause
import dataclasses
import pathlib
import re

PROJECT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted((PROJECT / "man").glob("*.[1-9]"))


def source(page: str) -> str:
    return (PROJECT / "man" / page).read_text(encoding="utf-8")


def section(page: str, name: str) -> str:
    """The lines below .Sh NAME."""
    parts = re.split(r"^\.Sh (.+)\n", source(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))[name]


def plain(text: str) -> str:
    """Without the macros that begin a line, and with the quotes that are escaped."""
    text = re.sub(r"^\.(?:Ql|Va|Ic|Cm|Pa|Li|Dv|Pq|Xr|Fl|Nm|Pp|Em)\b ?", "", text, flags=re.MULTILINE)
    return text.replace(r"\(dq", '"').replace(r"\&", "")


@dataclasses.dataclass
class Entry:
    """A list entry: what stands behind .It MACRO, and its text."""
    table: str  # of .Ss [table] or [[table]]; empty: none
    head: str
    text: str


def entries(text: str, macro: str) -> list[Entry]:
    found: list[Entry] = []
    table = ""
    open_entry = False
    for line in text.splitlines():
        if line.startswith(".Ss "):
            name = re.fullmatch(r"\.Ss \[+(\w+)\]+", line)
            table = name.group(1) if name else ""
            open_entry = False
        elif line.startswith(f".It {macro} "):
            head = line.removeprefix(f".It {macro} ")
            if head.startswith('"'):  # one argument
                head = head[1:-1]
            found.append(Entry(table, plain(head), ""))
            open_entry = True
        elif line.startswith(".It "):
            open_entry = False
        elif open_entry:
            found[-1].text += line + "\n"
    for entry in found:
        entry.text = plain(entry.text)
    return found


def literal_blocks(text: str) -> list[str]:
    return [
        plain(block) for block in
        re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", text, flags=re.MULTILINE | re.DOTALL)
    ]
