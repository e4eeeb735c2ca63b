# test_overrides.py: postseal overrides set and remove edit the file and lose nothing of it
# SPDX-License-Identifier: BSD-3-Clause
import json

import pytest

FILE = """\
# of the operator
first.example may # until=2099-12-31 weak for now
second.example encrypt # why it is there

last.example encrypt
"""


@pytest.fixture
def overriding(new_daemon, tmp_path):
    file = tmp_path / "overrides"
    file.write_text(FILE, encoding="ascii")
    daemon = new_daemon(verdict={"overrides": str(file)})
    daemon.start()
    return daemon, file


def test_a_comment_stays_and_an_end_that_goes_is_said(overriding):
    daemon, file = overriding
    changed = daemon.tool("overrides", "set", "second.example", "may")
    assert (changed.stdout, changed.stderr) == ("second.example may # why it is there\n", "")
    changed = daemon.tool("overrides", "set", "first.example", "encrypt")
    assert changed.stdout == "first.example encrypt # weak for now\n"
    assert changed.stderr == ("postseal: first.example had an end, 2099-12-31, and has none now: "
                              "repeat it with --until to keep it\n")
    assert file.read_text(encoding="ascii") == FILE.replace(
        "may # until=2099-12-31 weak for now", "encrypt # weak for now").replace(
        "encrypt # why it is there", "may # why it is there")
    assert daemon.ask("first.example") == "OK encrypt" == daemon.ask("last.example")
    changed = daemon.tool("overrides", "set", "second.example", "encrypt", "--until", "2098-01-31")
    assert changed.stdout == "second.example encrypt # until=2098-01-31 why it is there\n"
    changed = daemon.tool("overrides", "set", "second.example", "may", "--comment", "another",
                          "--until", "2098-01-31")
    assert changed.stdout == "second.example may # until=2098-01-31 another\n"


def test_an_end_is_the_same_day_everywhere(overriding):
    daemon, _ = overriding
    lines = daemon.tool("overrides", "list", "--json").stdout.splitlines()
    listed = {entry["key"]: entry["until"] for entry in map(json.loads, lines)}
    assert listed == {"first.example": "2099-12-31", "second.example": None, "last.example": None}
    explained = json.loads(daemon.tool("explain", "--json", "first.example").stdout)
    assert explained["override"]["until"] == "2099-12-31"


def test_a_key_is_found_as_it_is_listed(overriding):
    daemon, _ = overriding
    assert daemon.tool("overrides", "set", "[192.0.2.7]:587", "encrypt").returncode == 0
    assert daemon.ask("[192.0.2.7]:587") == "OK encrypt"
    daemon.settle()
    for pattern in ("[192.0.2.7]:587", "[192.0.2.7]", "[192.*]:587", "[192.0.2.?]*"):
        found = daemon.tool("list", pattern)
        assert found.returncode == 0 and "[192.0.2.7]:587" in found.stdout, pattern
    assert daemon.tool("list", "[0-9]*").returncode == 1, "brackets are part of keys"


@pytest.mark.parametrize("arguments, said", [
    (("third.example may #", "encrypt"), 'a key has neither blanks nor "#"'),
    (("third.example", "may", "--until", "2020-01-31"), "--until 2020-01-31 is over already"),
])
def test_what_would_not_be_what_was_meant_is_refused(overriding, arguments, said):
    daemon, file = overriding
    refused = daemon.tool("overrides", "set", *arguments)
    assert refused.returncode == 65 and said in refused.stderr
    assert file.read_text(encoding="ascii") == FILE
