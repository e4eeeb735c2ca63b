# test_kept.py: the tool's commands about what the daemon keeps of destinations
# SPDX-License-Identifier: BSD-3-Clause
import json
import time

import pytest

KEYS = ["dane.example", "sts-one.example", "sts-testing.example", "plain.example"]


@pytest.fixture
def overrides(tmp_path):
    return tmp_path / "overrides"


@pytest.fixture
def asked(new_daemon, overrides):
    """A daemon of one's own that has been asked for KEYS."""
    overrides.write_text("# none\n", encoding="utf-8")
    daemon = new_daemon(verdict={"overrides": str(overrides)})
    daemon.start()
    for key in KEYS:
        daemon.ask(key)
    return daemon


def keys(result) -> list[str]:
    return [line.split()[0] for line in result.stdout.splitlines()[1:]]


def test_list(asked):
    everything = asked.tool("list")
    assert everything.returncode == 0, everything.stderr
    assert everything.stdout.splitlines()[0].split() == [
        "KEY", "VERDICT", "SINCE", "POLICY", "TROUBLE"
    ]
    assert keys(everything) == sorted(KEYS)
    assert keys(asked.tool("list", "--class", "dane")) == ["dane.example"]
    assert keys(asked.tool("list", "--mode", "testing")) == ["sts-testing.example"]
    assert keys(asked.tool("list", "--class", "enforce", "--expiring", "400d")) == [
        "sts-one.example"
    ]


def test_list_of_a_pattern(asked):
    assert keys(asked.tool("list", "sts-*.example")) == ["sts-one.example", "sts-testing.example"]
    assert keys(asked.tool("list", "STS", "--mode", "testing")) == ["sts-testing.example"]
    assert keys(asked.tool("list", "--limit", "3")) == sorted(KEYS)[:3]
    assert len(asked.tool("export", "--json", "-n", "1").stdout.splitlines()) == 1
    assert asked.tool("list", "nothing-like-this").returncode == 1


def history_of_all(asked, changes: int) -> list[str]:
    """A change is written soon after the answer."""
    end = time.monotonic() + 20
    while True:
        shown = asked.tool("history").stdout.splitlines()
        lines = [line for line in shown if not line.startswith(" ")]
        if len(lines) >= changes or time.monotonic() > end:
            assert len(lines) == changes, lines
            return lines
        time.sleep(0.1)


def test_history_of_all(asked, overrides):
    nothing = asked.tool("history")
    assert (nothing.returncode, nothing.stderr) == (1, "postseal: no verdict has changed\n")
    for changes, word in ((2, "may"), (4, "encrypt")):
        overrides.write_text(f"sts-one.example {word}\nplain.example {word}\n", encoding="utf-8")
        assert asked.tool("overrides", "reload").returncode == 0
        for key in ("sts-one.example", "plain.example"):
            assert asked.ask(key) == f"OK {word}"
        lines = history_of_all(asked, changes)
    assert all(" -> override encrypt" in line for line in lines[:2]), "the newest first"
    assert {line.split()[1] for line in lines} == {"sts-one.example:", "plain.example:"}
    assert len(asked.tool("history", "--json", "-n", "1").stdout.splitlines()) == 1
    assert asked.tool("history", "--since", "1h").stdout.count(" -> ") == 4
    assert asked.tool("history", "--since", "2099-01-01").returncode == 1
    assert asked.tool("history", "--since", "soon").returncode == 64
    unknown, unchanged = (asked.tool("history", key) for key in ("x.example", "dane.example"))
    assert (unknown.returncode, unchanged.returncode) == (1, 1)
    assert "x.example is not known" in unknown.stderr
    assert "no verdict for dane.example has changed" in unchanged.stderr


@pytest.mark.parametrize("arguments, status, words", [
    (["--failing"], 1, ""),
    (["--expiring", "1s"], 1, ""),
    (["--expiring", "soon"], 64, "write 12h, 2d"),
    (["--class", "strong"], 64, "there are: dane, enforce, may, override, tempfail"),
    (["--mode", "strict"], 64, "there are: enforce, testing, none"),
])
def test_list_without_result(asked, arguments, status, words):
    result = asked.tool("list", *arguments)
    assert (result.returncode, result.stdout) == (status, "")
    assert words in result.stderr


def test_list_as_json(asked):
    lines = asked.tool("list", "--json").stdout.splitlines()
    assert [json.loads(line)["key"] for line in lines] == sorted(KEYS)


def test_show(asked):
    shown = asked.tool("show", "Sts-One.example.")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("sts-one.example: enforce (row 11), since ")
    assert "policy enforce (id " in shown.stdout
    nothing = asked.tool("show", "null-mx.example")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "nothing is stored about null-mx.example" in nothing.stderr
    assert asked.tool("show", "a..b").returncode == 64


def test_overrides_reload_and_history(asked, overrides):
    assert asked.tool("history", "sts-one.example").returncode == 1
    overrides.write_text("sts-one.example may # until=2099-12-31 while they rebuild\n",
                         encoding="utf-8")
    checked = asked.tool("overrides", "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "good; 1 overrides, 0 of them ended" in checked.stdout
    listed = asked.tool("overrides", "list").stdout
    assert listed.split(None, 1)[1] == "may   # until 2099-12-31 while they rebuild\n"
    reloaded = asked.tool("overrides", "reload")
    assert reloaded.stdout == "1 overrides; changed: sts-one.example\n"
    assert asked.ask("sts-one.example") == "OK may"
    history = asked.tool("history", "sts-one.example").stdout
    assert "  enforce -> override may  (row 1)\n    the operator's override" in history
    explained = asked.tool("explain", "sts-one.example").stdout
    assert (f"  override  {overrides}:1: sts-one.example may, until 2099-12-31; while they rebuild\n"
            in explained)


def test_overrides_at_fault_change_nothing(asked, overrides):
    overrides.write_text("sts-one.example strong\ndane.example may # until=soon\n",
                         encoding="utf-8")
    checked = asked.tool("overrides", "check")
    assert checked.returncode == 78
    assert [line.partition(":")[2].partition(": ")[0].rpartition(":")[2]
            for line in checked.stderr.splitlines()] == ["1", "2"]
    reloaded = asked.tool("overrides", "reload")
    assert reloaded.returncode == 78
    assert f"{overrides}:1: " in reloaded.stderr
    assert "(and 1 more: postseal overrides check)" in reloaded.stderr
    assert f"{overrides}:1: " in asked.status()["reload_error"]
    assert asked.ask("sts-one.example").startswith("OK secure ")


def test_an_override_that_has_ended(asked, overrides):
    overrides.write_text("sts-one.example may # until=2026-01-31\n", encoding="utf-8")
    assert "1: \"sts-one.example\" has ended on 2026-01-31:" in asked.tool(
        "overrides", "check").stderr
    assert asked.tool("overrides", "reload").returncode == 0
    assert asked.ask("sts-one.example").startswith("OK secure ")


def test_refresh(asked):
    result = asked.tool("refresh", "sts-one.example", "[mx.dane.example]", "plain.example")
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split(" (")[0] for line in lines] == [
        "sts-one.example: enforce", "[mx.dane.example]: dane-only", "plain.example: may"
    ]
    asked.wait_for_log("policy-fetched domain=sts-one.example", 2)
    bad = asked.tool("refresh", "a..b", "plain.example")
    assert bad.returncode == 64
    assert "plain.example: may" in bad.stdout


def test_forget(asked):
    result = asked.tool("forget", "sts-one.example", "never-asked.example")
    assert result.returncode == 1
    assert result.stdout == "sts-one.example: forgotten\nnever-asked.example: nothing was stored\n"
    assert asked.tool("show", "sts-one.example").returncode == 1
    assert asked.ask("sts-one.example").startswith("OK secure ")
    asked.wait_for_log("policy-fetched domain=sts-one.example", 2)


@pytest.mark.parametrize("command", [["show", "a.example"], ["list"], ["history", "a.example"],
                                     ["refresh", "a.example"], ["forget", "a.example"],
                                     ["overrides", "reload"]])
def test_no_daemon(new_daemon, command):
    result = new_daemon().tool(*command)
    assert result.returncode == 69
    assert "is postseald running?" in result.stderr


@pytest.mark.parametrize("command", [
    "query sts-one.example", "query plain.example", "explain sts-one.example", "list",
    "show sts-one.example", "history sts-one.example", "refresh sts-one.example plain.example",
    "forget never-asked.example", "export", "import /dev/null", "overrides list",
    "overrides check", "overrides reload", "stats", "reload", "doctor", "probe dead-mx.example", "check-config", "lint record v=STSv1;id=1;",
    "lint policy /dev/null",
])
def test_json_is_json(asked, overrides, command):
    """One value, or one a line."""
    overrides.write_text("sts-one.example encrypt\n", encoding="utf-8")
    assert asked.tool("overrides", "reload").returncode == 0
    asked.ask("sts-one.example")
    result = asked.tool(*command.split(), "--json")
    assert result.returncode in (0, 1, 65, 75), result.stderr
    try:
        assert isinstance(json.loads(result.stdout), dict | list)
    except json.JSONDecodeError:
        lines = result.stdout.splitlines()
        assert lines
        assert all(isinstance(json.loads(line), dict) for line in lines), result.stdout


def test_what_is_deferred_says_why(asked):
    key = "bogus.example"
    assert asked.ask(key).startswith("TEMP "), key
    assert asked.ask("enforce-all-outside.mail.example").startswith("OK secure ")
    line = asked.tool("list", "--class", "tempfail").stdout.splitlines()[1]
    assert line.startswith(key) and " deferred: MX " in line, line
    shown = json.loads(asked.tool("show", "--json", key).stdout)
    assert [finding["code"] for finding in shown["findings"]] == ["deferred"]
    outside = asked.tool("explain", "enforce-all-outside.mail.example").stdout
    assert "  finding   the MTA-STS policy matches none of the MX hosts: " in outside
    assert 'adds "mx: mx.enforce-all-outside.mail.example" to the policy' in outside
    listed = asked.tool("list", "enforce-all-outside*").stdout
    assert " the MTA-STS policy matches none of the MX hosts" in listed
    asked.wait_for_log("finding nexthop=enforce-all-outside.mail.example code=policy-fits-none", 1)
