# One word for one thing, and words that a stranger knows (tests/data/docs/replaced_words.table).
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TABLE = "tests/data/docs/replaced_words.table"
PROGRAMS = ("src", "include")
DOCUMENTS = ("man", "README.md", "CONTRIBUTING", "contrib", "postfix-examples")
TOKEN = re.compile(
    r'//(?P<comment>[^\n]*)|R"(?P<mark>\w*)\((?P<raw>.*?)\)(?P=mark)"'
    r'|(?<!\w)"(?P<string>(?:[^"\\\n]|\\.)*)"' r"|'(?:[^'\\\n]|\\.)'", re.DOTALL)


def files(*folders: str) -> list[pathlib.Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "--", *folders], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.suffix not in (".png", ".svg")]


def words() -> list[tuple[re.Pattern, str]]:
    lines = (ROOT / TABLE).read_text(encoding="utf-8").splitlines()
    rows = [line.rsplit(" | ", 1) for line in lines if line and not line.startswith("#")]
    return [(re.compile(pattern), instead) for pattern, instead in rows]


def texts(source: str) -> tuple[list[str], list[str]]:
    """The strings and the comments of a source; neighbours are one."""
    strings: list[str] = []
    comments: list[str] = []
    end = {"string": -1, "comment": -1}
    for token in TOKEN.finditer(source):
        kind = "comment" if token["comment"] is not None else "string"
        text = token["comment"] if kind == "comment" else token["raw"] or token["string"]
        if text is None:
            continue
        into = comments if kind == "comment" else strings
        joined = not source[end[kind]:token.start()].strip() if end[kind] >= 0 else False
        if joined:
            into[-1] += text
        else:
            into.append(text)
        end[kind] = token.end()
    return strings, comments


def test_strings_and_comments_are_found():
    source = 'a("one " // first\n  "two", R"(three)");\n// a comment\n// of two lines\nb(\'"\', "x");'
    assert texts(source) == (["one ", "two", "three", "x"],
                             [" first", " a comment of two lines"])
    assert texts('f("one "\n   "two");')[0] == ["one two"]


@pytest.fixture(scope="session")
def read() -> dict[str, list[str]]:
    """What can be read, by file. The strings of the programs are one file, for a review."""
    found: dict[str, list[str]] = {}
    shown = []
    for path in files(*PROGRAMS):
        name = str(path.relative_to(ROOT))
        strings, comments = texts(path.read_text(encoding="utf-8"))
        found[name] = strings + comments
        shown += [f"{name}: {text}" for text in strings if " " in text.strip()]
    for path in files(*DOCUMENTS):
        found[str(path.relative_to(ROOT))] = [path.read_text(encoding="utf-8")]
    into = ROOT / os.environ["POSTSEAL_BUILD"] / "strings.txt"
    into.write_text("\n".join(shown) + "\n", encoding="utf-8")
    return found


@pytest.mark.parametrize("pattern, instead", words(), ids=lambda word: getattr(word, "pattern", ""))
def test_a_replaced_word_does_not_come_back(read, pattern, instead):
    places = [f'{name}: "{text[max(0, m.start() - 30):m.end() + 30]}"' for name, all_ in read.items()
              for text in all_ for m in pattern.finditer(text)]
    assert not places, f"write \"{instead}\": " + "; ".join(places[:20])
