# test_tool.py: the tool postseal and its exit status (sysexits.h)
# SPDX-License-Identifier: BSD-3-Clause
import json
import pathlib
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from daemon import program
from world import addresses
from world.processes import run

OK, NO_POLICY, USAGE, UNAVAILABLE, TEMPFAIL, CONFIG = 0, 1, 64, 69, 75, 78
STS = "secure match=mx.sts-one.example servername=hostname"

QUERIES = [
    ("dane.example", OK, "dane-only\n"),
    ("sts-one.example", OK, STS + "\n"),
    ("BÜCHER.example.", OK, "dane-only\n"),
    ("[mx.dane.example]:587", OK, "dane-only\n"),
    ("plain.example", NO_POLICY, ""),
    (".dane.example", NO_POLICY, ""),
    ("bogus.example", TEMPFAIL, ""),
]


@pytest.mark.parametrize("key, status, output", QUERIES)
def test_query(daemon, key, status, output):
    result = daemon.tool("query", key)
    assert (result.returncode, result.stdout) == (status, output), result.stderr
    if status == TEMPFAIL:
        assert "bogus.example" in result.stderr, "the reason"


def test_query_other_map(daemon):
    result = daemon.tool("query", "--map", "tlsrpt", "sts-one.example")
    assert result.returncode == OK
    assert result.stdout.startswith(STS + " policy_type=sts policy_domain=sts-one.example ")


def test_query_unknown_map(daemon):
    result = daemon.tool("query", "--map", "nosuchmap", "sts-one.example")
    assert result.returncode == USAGE
    assert "tlsrpt" in result.stderr, "names the maps that there are"


EXPLAINED = [
    ("dane.example", "dane dane-only (row 6)"),
    ("sts-one.example", "enforce secure (row 11)"),
    ("tlsa-fails-all.example", "dane (row 8)"),
]


@pytest.mark.parametrize("key, first_line", EXPLAINED)
@pytest.mark.parametrize("direct", [[], ["--direct"]], ids=["daemon", "direct"])
def test_explain(daemon, key, first_line, direct):
    result = daemon.tool("explain", *direct, key)
    assert result.returncode == OK, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == f"{key}: {first_line}"
    assert len(lines) > 1, "and the reasons"
    assert "\033" not in result.stdout, "no colours for what is not a terminal"


@pytest.mark.parametrize("key, words", [
    ("plain.example", r"\bmay\b.*\(row 13\)"),
    ("bogus.example", r"\btempfail\b.*\(row 3\)"),
])
def test_explain_without_level(daemon, key, words):
    result = daemon.tool("explain", key)
    first = result.stdout.splitlines()[0]
    assert first.startswith(f"{key}: ") and re.search(words, first)


REASONS = [
    ("sts-expired.example", r"expired"),
    ("sts-not-yet-valid.example", r"not valid before"),
    ("sts-wrong-name.example", r"mta-sts\.sts-wrong-name\.example"),
    ("sts-untrusted.example", r"trust|issuer|unknown"),
    ("sts-404.example", r"404"),
    ("sts-redirect.example", r"302|redirect"),
    ("sts-html.example", r"text/html"),
    ("sts-refused.example", r"refused"),
    ("sts-oversized.example", r"65,?536|64 KiB|large|big"),
    ("sts-no-host.example", r"mta-sts\.sts-no-host\.example"),
    ("sts-blank-inside.example", r"line 2"),
    ("sts-bad-mx.example", r"mx\.\*\.sts-bad-mx\.example"),
    ("sts-two-records.example", r"two|2|several"),
    ("sts-upper-record.example", r'"V=STSv1; id=1;" does not begin "v=STSv1;"'),
    ("sts-blank-before-semicolon.example", r'white space before the first ";"'),
    ("sts-mx-address.example", r"mx 192\.0\.2\.1 of the policy is not a host name"),
    ("sts-mx-u-label.example", r"not in A-labels.*xn--mx-via\.sts-mx-u-label\.example"),
    ("sts-type-twice.example", r"Content-Type is sent twice \(text/plain, text/plain\)"),
    ("bogus.example", r"signature|bogus"),
    ("bogus-expired.example", r"expired"),
    ("tlsa-fails-all.example", r"_25\._tcp\.mx\.tlsa-fails-all\.example.*SERVFAIL"
                               r"|SERVFAIL.*_25\._tcp\.mx\.tlsa-fails-all\.example"),
    ("dane-short-digest.example", r"32|length|digest"),
    ("no-address.example", r"mx\.no-address\.example"),
]


@pytest.mark.parametrize("key, words", REASONS)
def test_explain_says_why(daemon, key, words):
    result = daemon.tool("explain", key)
    assert re.search(words, result.stdout, re.IGNORECASE), result.stdout


def test_a_bogus_reason_keeps_its_first_cause(daemon):
    """libunbound's cache gives a shorter one on later looks."""
    def look(*options: str) -> str:
        result = daemon.tool("explain", *options, "bogus-expired.example")
        assert result.returncode == 0, result.stderr
        return result.stdout

    causes = [json.loads(look("--json"))["mx"]["reason"] for _ in range(3)]
    assert "expired" in causes[0]
    assert causes == [causes[0]] * 3
    evidence = look().partition("  reply ")[0]
    assert evidence.count(causes[0]) == 1, evidence


@pytest.mark.parametrize("key", ["bogus.example", "bogus-expired.example"])
def test_a_bogus_reason_is_said_once_on_the_first_look(new_daemon, key):
    daemon = new_daemon()
    daemon.start()
    evidence = daemon.tool("explain", key).stdout.partition("  reply ")[0]
    assert evidence.count("while building chain of trust") == 1, evidence
    assert "no enforce policy: TXT lookup of _mta-sts." in evidence
    assert ", for the same reason\n" in evidence


@pytest.mark.parametrize("key, record, fault", [
    ("sts-no-id.example", "v=STSv1;", "has no id"),
    ("sts-bad-id.example", "v=STSv1; id=with-hyphen;", '"-" in id is not a letter or digit'),
    ("sts-upper-record.example", "V=STSv1; id=1;", 'does not begin "v=STSv1;"'),
    ("sts-two-records.example", "v=STSv1; id=", "2 TXT records that begin"),
])
def test_an_invalid_record_is_shown_with_its_fault(daemon, key, record, fault):
    explained = daemon.tool("explain", key).stdout
    line, = [line for line in explained.splitlines() if fault in line]
    assert f'"{record}' in line, explained
    assert fault in json.loads(daemon.tool("explain", "--json", key).stdout)["mta_sts"]["record_reason"]


# What takes a key, with what it does with one that is a destination.
KEYED = [("query",), ("query", "--direct"), ("explain",), ("explain", "--direct"), ("show",),
         ("history",), ("refresh",), ("probe", "--no-postfix"), ("forget",)]


@pytest.mark.parametrize("command", KEYED, ids=" ".join)
def test_every_command_reads_a_key_alike(daemon, command):
    for key, character in (("ex*ample.com", '"*"'), ("a b.example", "a blank"), ("a/b", '"/"')):
        refused = daemon.tool(*command, key)
        assert (refused.returncode, refused.stdout) == (64, ""), (key, refused)
        assert f"is not a destination: {character} is in no domain" in refused.stderr, refused.stderr
    # Pasted from mailq; what is known of it is as it was.
    pasted = daemon.tool(*command, "user@plain.example")
    assert "postseal: plain.example: of an address the domain counts" in pasted.stderr, pasted
    assert pasted.returncode in (0, 1, 75), pasted


@pytest.mark.parametrize("key, status, words", [
    ("sts-one.example", 0, r"^mode     enforce: "),
    ("https://mta-sts.sts-one.example/.well-known/mta-sts.txt", 0, r"^mode     enforce: "),
    ("sts-type-twice.example", 0, r"note     Content-Type is sent twice"),
    ("sts-mx-address.example", 0, r'note     mx "192\.0\.2\.1" is not a host name'),
    ("sts-wrong-name.example", 65, r"cert-name: .*certificate is for"),
    ("sts-404.example", 65, r"status: .*404"),
    ("sts-refused.example", 75, r"connect: .*refused"),
    ("sts-bad-mx.example", 65, r"mta-sts\.txt:3:5: mx "),
    ("sts-no-host.example", 65, r"mta-sts\.sts-no-host\.example (does not exist|has no address)"),
    ("nosuchfile", 64, r"cannot read nosuchfile: No such file or directory"),
    ("nosuchfile.txt", 64, r"cannot read nosuchfile\.txt: No such file or directory"),
    ("sts-no-record.example", 65, r"no sender asks for this policy: the TXT record .* is absent"),
    ("https://www.sts-one.example/mta-sts.txt", 64, r"is not where a sender looks"),
    ("http://mta-sts.sts-one.example/.well-known/mta-sts.txt", 64, r"is not where a sender looks"),
])
def test_lint_fetches_as_the_daemon_would(daemon, key, status, words):
    result = daemon.tool("lint", "policy", key)
    assert result.returncode == status, (result.stdout, result.stderr)
    assert re.search(words, result.stdout + result.stderr, re.MULTILINE), result.stderr


def test_direct_needs_no_daemon(new_daemon):
    daemon = new_daemon()  # never started
    result = daemon.tool("explain", "--direct", "sts-dane.example")
    assert result.stdout.startswith("sts-dane.example: dane dane-only (row 6)\n"), result.stderr


def test_daemon_not_reachable(new_daemon):
    daemon = new_daemon()  # never started
    for command in (["query", "dane.example"], ["explain", "dane.example"]):
        result = daemon.tool(*command)
        assert result.returncode == UNAVAILABLE
        assert str(daemon.folder / "admin.sock") in result.stderr, "says what it tried"


@pytest.mark.parametrize("arguments", [
    [], ["nosuchcommand"], ["query"], ["query", "--nosuchoption", "dane.example"], ["explain"],
])
def test_usage(daemon, arguments):
    result = daemon.tool(*arguments)
    assert result.returncode == USAGE
    assert result.stderr


def test_help_and_version(daemon):
    for option in ("--help", "--version"):
        result = daemon.tool(option)
        assert result.returncode == OK
        assert "postseal" in result.stdout


STATIC_FAULTS = """\
state_dir = "/nonexistent/state"
user = "nosuchuser"
[[listen]]
address = "inet:127.0.0.1:1461"
[[listen]]
address = "inet:127.0.0.1:1461"
[[listen]]
address = "unix:/nonexistent/run/x.sock"
group = "nosuchgroup"
[dns]
trust_anchor = ["/nonexistent/root.key", "{folder}/junk"]
root_hints = "{folder}/junk"
unbound_conf = "{folder}/junk"
[https]
ca_file = "{folder}/junk"
[verdict]
overrides = "{folder}/overrides"
"""
STATIC_WORDS = [  # line, key, words of the fault and its fix
    (1, "state_dir", "/nonexistent/state does not exist: create it"),
    (2, "user", 'no user "nosuchuser": add it (adduser --system --group nosuchuser)'),
    (6, "listen.address", "inet:127.0.0.1:1461 is already in use, by line 4"),
    (8, "listen.address", "/nonexistent/run does not exist: create it"),
    (9, "listen.group", 'no group "nosuchgroup": add it'),
    (11, "dns.trust_anchor", "cannot read the trust anchor /nonexistent/root.key: No such file or "
                             "directory; install"),
    (11, "dns.trust_anchor", "/junk holds no DS or DNSKEY record; name a file with"),
    (12, "dns.root_hints", "/junk name no address of a name server; name a file like"),
    (13, "dns.unbound_conf", "unbound-checkconf(8) names the line"),
    (15, "https.ca_file", "/junk has no certificate in PEM form; name a file with"),
]
OVERRIDE_WORDS = [(2, '"a.example": Postfix would refuse "strong"'), (3, '"b.example": '
                                                                      '"until=soon" is not a day')]


def test_check_config_finds_all_that_is_static(daemon, new_daemon):
    broken = new_daemon()
    (broken.folder / "junk").write_text("junk:\n", encoding="ascii")
    overrides = broken.folder / "overrides"
    overrides.write_text("# mine\na.example strong\nb.example may # until=soon\n", encoding="ascii")
    broken.configuration.write_text(STATIC_FAULTS.format(folder=broken.folder), encoding="ascii")
    result = broken.tool("check-config")
    assert result.returncode == CONFIG
    lines = [line for line in result.stderr.splitlines() if line.startswith("postseal: ")]
    for number, key, words in STATIC_WORDS:
        assert any(line.startswith(f"postseal: {broken.configuration}:{number}: {key}: ")
                   and words in line for line in lines), (words, lines)
    for number, words in OVERRIDE_WORDS:
        assert any(line.startswith(f"postseal: {overrides}:{number}: {words}") for line in lines), lines
    assert len(lines) == len(STATIC_WORDS) + len(OVERRIDE_WORDS), lines
    errors = json.loads(broken.tool("check-config", "--json").stdout)["errors"]
    assert {(error["file"], error["line"], error["key"]) for error in errors} == {
        (str(broken.configuration), number, key) for number, key, _ in STATIC_WORDS
    } | {(str(overrides), number, "") for number, _ in OVERRIDE_WORDS}


def test_a_junk_file_is_told_with_its_place_at_start_too(new_daemon):
    broken = new_daemon()
    junk = broken.folder / "junk"
    junk.write_text("junk\n", encoding="ascii")
    settings = broken.with_settings(https={"ca_file": str(junk)}, dns={"root_hints": str(junk)})
    broken.write_configuration(settings)
    for arguments in ((), ("--check",)):
        result = run([program("postseald"), "--config", str(broken.configuration), *arguments])
        assert result.returncode == CONFIG
        places = [line.split(": ")[:3] for line in result.stderr.splitlines()
                  if line.startswith("postseald: ")]
        assert sorted(key for _, _, key in places) == ["dns.root_hints", "https.ca_file"], result
        assert all(place.startswith(f"{broken.configuration}:") for _, place, _ in places), places


def test_a_junk_file_is_told_with_its_place_on_a_reload_too(new_daemon):
    daemon_ = new_daemon()
    daemon_.start()
    junk = daemon_.folder / "junk"
    junk.write_text("junk\n", encoding="ascii")
    for section, key in (("https", "ca_file"), ("dns", "root_hints"), ("dns", "trust_anchor")):
        value = [str(junk)] if key == "trust_anchor" else str(junk)
        daemon_.write_configuration(daemon_.with_settings(**{section: {key: value}}))
        checked = daemon_.tool("check-config").stderr.splitlines()
        [fault] = [line.removeprefix("postseal: ") for line in checked if f" {section}.{key}: " in line]
        assert fault.startswith(f"{daemon_.configuration}:"), fault
        reloaded = daemon_.tool("--socket", str(daemon_.folder / "admin.sock"), "reload")
        assert reloaded.returncode == CONFIG
        assert fault in reloaded.stderr and fault == daemon_.status()["reload_error"]


@pytest.mark.parametrize("first, second", [
    ("inet:0.0.0.0:1461", "inet:127.0.0.1:1461"), ("inet:127.0.0.1:1461", "inet:localhost:1461"),
    ("inet:[::1]:1461", "inet:[::]:1461"), ("unix:{folder}/./a.sock", "unix:{folder}/a.sock"),
])
def test_check_config_knows_what_cannot_be_listened_on_together(new_daemon, tmp_path, first, second):
    daemon_ = new_daemon()
    first, second = first.format(folder=tmp_path), second.format(folder=tmp_path)
    daemon_.configuration.write_text(
        f'state_dir = "{tmp_path}"\n[[listen]]\naddress = "{first}"\n'
        f'[[listen]]\naddress = "{second}"\n', encoding="ascii")
    result = daemon_.tool("check-config")
    assert result.returncode == CONFIG
    assert f"{second} is already in use, as {first}, by line 3" in result.stderr


def test_check_config_finds_nothing_that_follows_from_another_fault(new_daemon, tmp_path):
    daemon_ = new_daemon()
    daemon_.configuration.write_text(
        f'state_dir = "{tmp_path}"\n[[listen]]\naddress = "127.0.0.1:8464"\n'
        '[[listen]]\naddress = "inet:localhost:99999"\n', encoding="ascii")
    result = daemon_.tool("check-config")
    assert result.returncode == CONFIG and result.stdout == "", result.stdout
    assert [line.partition(": listen.address: ")[0].rpartition(":")[2]
            for line in result.stderr.splitlines()] == ["3", "5"], result.stderr


def test_check_config_names_every_fault_of_the_file(daemon, new_daemon):
    broken = new_daemon()
    broken.configuration.write_text(
        'default_level = "dane"\n[dns]\ntimeout = 8\ntiemout = "8s"\n[limits]\ndeadline = 10\n',
        encoding="ascii")
    lines = broken.tool("check-config").stderr.splitlines()
    assert len(lines) == 4, lines
    assert "default_level belongs below [verdict]" in lines[0]
    assert '8 has no unit: write "8s"' in lines[1]
    assert 'did you mean "timeout"?' in lines[2]
    assert 'write "10s"' in lines[3]


def test_check_config_without_a_file(daemon, tmp_path):
    """Nothing named and nothing at the default place: that is said, and no fault."""
    result = run([program("postseal"), "check-config"])
    if not pathlib.Path("/etc/postseal/postseal.toml").exists():
        assert "/etc/postseal/postseal.toml: not there; built-in defaults" in result.stdout
        assert result.returncode == OK, result.stderr


def test_a_broken_file_does_not_disable_the_tool(daemon, new_daemon):
    running = new_daemon()
    running.start()
    good = running.configuration.read_text(encoding="utf-8")
    running.configuration.write_text("state_dirr = 7\n" + good, encoding="utf-8")
    socket_ = str(running.folder / "admin.sock")
    for command in (["query", "dane.example"], ["explain", "dane.example"], ["stats"]):
        result = running.tool(*command, "--socket", socket_)
        assert result.returncode == OK, (command, result.stderr)
    result = running.tool("doctor", "--json", "--socket", socket_)
    assert result.returncode == 1, result.stderr
    [finding] = [f for f in json.loads(result.stdout)
                 if f["check"] == "daemon" and f["severity"] == "problem"]
    assert "state_dirr" in finding["what"] and finding["fix"] == [
        {"command": "postseal check-config"}
    ]


def test_check_config(daemon, new_daemon):
    assert daemon.tool("check-config").returncode == OK
    broken = new_daemon()
    broken.write_configuration(broken.with_settings(dns={"tiemout": "8s"}))
    result = broken.tool("check-config")
    assert result.returncode == CONFIG
    assert "tiemout" in result.stderr and "timeout" in result.stderr


# --- Messages ----------------------------------------------------------------------------------

def commands(words: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """Each command that does something, with its help, as --help names them."""
    text = run([program("postseal"), *words, "--help"]).stdout
    below = re.search(r"^Commands:\n((?:  .*\n)+)", text, re.MULTILINE)
    if not below:
        return [(words, text)]
    return [command for name in re.findall(r"^  (\S+)", below[1], re.MULTILINE)
            for command in commands((*words, name))]


ARGUMENTS = {"KEY": "example.com", "POLICY": "encrypt", "PATTERN": "*.x", "FILE": "/nonexistent",
             "DIRECTION": "to-server", "TEXT": "v=STSv2", "SHELL": "nosuch"}
BROKEN = {"syntax.toml": "[verdict\n", "keys.toml": "nonsense = 1\n[listn]\n",
          "overrides.toml": "[verdict]\noverrides = \"overrides\"\n"}


def wrong_calls(help_text: str, folder: pathlib.Path) -> list[list[str]]:
    """What goes wrong with a command; `folder` has the files of BROKEN."""
    named = help_text.splitlines()[0].partition("[options]")[2].split()
    given = [ARGUMENTS[word.strip("[].")] for word in named]
    calls = [["--nosuchoption"], given, ["one", "word", "too", "many", "here"]]
    if "--socket " in help_text:
        calls.append([*given, "--socket", str(folder / "nothing.sock")])
    if "--config " in help_text:
        files = BROKEN if "overrides" in help_text else ["keys.toml"]
        calls += [[*given, "--config", str(folder / name)] for name in ("missing", *files)]
    return calls


def test_every_message_begins_with_the_programs_name(daemon, tmp_path):
    """Of every command, with arguments that it cannot take, without a daemon, and with
    configurations that are broken. Those that look something up first have no way out here."""
    for name, text in BROKEN.items():
        text = text.replace('"overrides"', f'"{tmp_path}/overrides"')
        (tmp_path / name).write_text(text, encoding="ascii")
    (tmp_path / "overrides").write_text("a!b may\nx.example strong\n", encoding="ascii")
    found = commands()
    assert len(found) > 20
    calls = [(*words, *call) for words, help_text in found
             for call in wrong_calls(help_text, tmp_path)
             if words[0] not in ("doctor", "probe") or call not in ([], ["example.com"])]
    with ThreadPoolExecutor(4) as several:
        said = list(several.map(lambda call: run([program("postseal"), *call]).stderr, calls))
    for call, stderr in zip(calls, said, strict=True):
        for line in stderr.splitlines():
            assert line.startswith(("postseal", "see: postseal")), (call, line)
    assert sum(stderr != "" for stderr in said) > 80


def test_what_a_lookup_of_its_own_logs_has_the_programs_name(world, tmp_path):
    """Where the one name server says SERVFAIL to everything."""
    configuration = tmp_path / "postseal.toml"
    configuration.write_text(f'[dns]\ntrust_anchor = ["{world.trust_anchor}"]\n'
                             f'forward = ["{addresses.FAILING_SERVER}"]\n', encoding="ascii")
    result = run([program("postseal"), "explain", "--direct", "--config", str(configuration),
                  "example.com"])
    assert result.stderr.startswith("postseal: error validation-failing "), result.stderr
    assert all(line.startswith("postseal: ") for line in result.stderr.splitlines())
