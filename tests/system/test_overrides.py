# test_overrides.py: postseal overrides set and remove edit the file and lose nothing of it
# SPDX-License-Identifier: BSD-3-Clause
import json

import pytest

from fleet import wait_until

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
    (("third.example may #", "encrypt"), 'a key cannot contain blanks or "#"'),
    (("third.example", "may", "--until", "2020-01-31"), "--until 2020-01-31 is in the past"),
    (("third.example", "strong"), 'postseal: "third.example": Postfix would refuse "strong"'),
    (("third.example", "may", "--comment", "until=soon"), '"until=soon" is not a day'),
])
def test_what_would_not_be_what_was_meant_is_refused(overriding, arguments, said):
    daemon, file = overriding
    refused = daemon.tool("overrides", "set", *arguments)
    assert refused.returncode == 65 and said in refused.stderr
    assert "override:" not in refused.stderr
    assert file.read_text(encoding="ascii") == FILE


def test_a_day_that_ends_nothing_is_noted_and_the_entry_counts(overriding):
    """No refusal: a file that was good before an upgrade is good after it."""
    daemon, file = overriding
    note = '"third.example" says "until 2099-12-31", which is not an end: write until=2099-12-31'
    changed = daemon.tool("overrides", "set", "third.example", "encrypt", "--comment",
                          "until: 2099-12-31, says Ann")
    assert (changed.returncode, changed.stderr) == (0, f"postseal: {note}\n")
    assert daemon.ask("third.example") == "OK encrypt"
    at = f"{file}:6: {note}"
    checked = daemon.tool("overrides", "check")
    assert (checked.returncode, checked.stderr) == (0, f"postseal: {at}\n")
    assert json.loads(daemon.tool("overrides", "check", "--json").stdout)["notes"] == [at]
    configured = daemon.tool("check-config")
    assert configured.returncode == 0 and f"postseal: note: {at}\n" in configured.stderr
    notes = json.loads(daemon.tool("check-config", "--json").stdout)["notes"]
    assert [entry["text"] for entry in notes if entry["file"] == str(file)] == [note]

    def warnings() -> int:
        return daemon.log.read_text(encoding="utf-8").count(" warning override-without-end reason=")
    wait_until(lambda: warnings() == 1, "it is not logged")
    daemon.stop()
    daemon.start()
    wait_until(lambda: warnings() == 2, "it is not logged at a start")
    assert daemon.ask("third.example") == "OK encrypt"
    assert daemon.tool("reload").returncode == 0
    wait_until(lambda: warnings() == 3, "it is not logged on a reload")
    # With an end of its own it needs no other.
    assert daemon.tool("overrides", "set", "third.example", "encrypt", "--until", "2099-12-31",
                       "--comment", "was until 2026-01-31").stderr == ""
    assert daemon.tool("overrides", "check").stderr == ""


def listed(daemon, key: str) -> dict:
    daemon.settle()
    return json.loads(daemon.tool("list", "--json", key).stdout)


def test_a_list_goes_by_the_overrides_as_they_are(overriding):
    daemon, _ = overriding
    key = "plain.example"
    assert daemon.ask(key) == "NOTFOUND "
    assert daemon.tool("overrides", "set", key, "sealed").returncode == 0
    assert daemon.ask(key).startswith("TEMP override sealed: ")
    assert (listed(daemon, key)["verdict"], listed(daemon, key)["outdated"]) == ("tempfail", False)
    assert daemon.tool("overrides", "remove", key).returncode == 0
    wait_until(lambda: listed(daemon, key)["verdict"] == "may", "it is not looked up again")
    # Of what is below a parent, or for all, nothing is looked up at once, but it is said.
    assert daemon.tool("overrides", "set", "*", "sealed").returncode == 0
    assert daemon.ask(key).startswith("TEMP override sealed: ")
    assert [finding["code"] for finding in listed(daemon, key)["findings"]] == ["deferred"]
    assert daemon.tool("overrides", "remove", "*").returncode == 0
    entry = listed(daemon, key)
    assert (entry["verdict"], entry["outdated"], entry["findings"]) == ("tempfail", True, [])
    assert "the overrides have changed since" in daemon.tool("list", key).stdout
    assert daemon.tool("list", "--class", "tempfail", key).returncode == 1


def test_sealed_defers_nothing_that_bounces(overriding):
    """Postfix bounces what has no host before it asks."""
    daemon, file = overriding
    file.write_text("* sealed\n", encoding="ascii")
    assert daemon.tool("overrides", "reload").returncode == 0
    for key in ("nosuch.example", "null-mx.example"):
        assert daemon.ask(key) == "OK dane-only", "should its resolver find a host"
        assert "\n  mail      bounced: " in daemon.tool("explain", key).stdout
    daemon.settle()
    assert daemon.tool("list", "--class", "tempfail").returncode == 1
    address = daemon.tool("explain", "[192.0.2.7]").stdout
    assert daemon.ask("[192.0.2.7]").startswith("TEMP override sealed: ")
    assert "            an address can promise nothing: nothing is promised, mail is deferred\n" in address
    assert "_mta-sts" not in address and "MX" not in address
    assert "\n  mail      deferred: client TLS configuration problem" in address


def test_no_overrides_are_no_fault(overriding):
    daemon, file = overriding
    for text in ("# none\n", None):
        if text is None:
            file.unlink()
        else:
            file.write_text(text, encoding="ascii")
        assert daemon.tool("overrides", "list").returncode == 0
        assert daemon.tool("overrides", "check").returncode == 0
