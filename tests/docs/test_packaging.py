# test_packaging.py: what is in contrib for packages agrees with the program and with itself
#
# tests/package installs and runs the Debian package.
# SPDX-License-Identifier: BSD-3-Clause
import re
import shutil
import subprocess

import pytest

from mdoc import PROJECT, section, entries
from programs import known_keys, same_configuration

CONTRIB = PROJECT / "contrib"
SYSLOG = "2026-11-22T16:11:47.162123+00:00 mx postseald[4711]: "
JOURNAL = "Nov 22 16:11:47 mx postseald[4711]: "


def text_of(name: str) -> str:
    return (CONTRIB / name).read_text(encoding="utf-8")


def command(*words, **options) -> subprocess.CompletedProcess:
    if not shutil.which(words[0]):
        pytest.skip(f"NOT CHECKED: {words[0]} is missing")
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, **options)


def test_version_is_the_same_everywhere():
    version = re.search(r"version: '([\d.]+)'", (PROJECT / "meson.build").read_text()).group(1)
    for file, pattern in [("debian/changelog", r"^postseal \(([\d.]+)-\d+\)"),
                          ("debian/NEWS", r"^postseal \(([\d.]+)-\d+\)"),
                          ("rpm/postseal.spec", r"^Version: +([\d.]+)$"),
                          ("rpm/postseal.spec", r"postseal-([\d.]+)\.tar\.gz")]:
        assert re.search(pattern, text_of(file), flags=re.MULTILINE).group(1) == version, file


def test_delivered_configuration_shows_the_defaults(tmp_path):
    """All but the level, which is README's: main.cf and postseal.toml then fit (postseal doctor)."""
    empty = tmp_path / "empty.toml"
    empty.write_text('[verdict]\ndefault_level = "dane"\n')
    assert same_configuration(CONTRIB / "etc/postseal.toml", empty)
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert "    smtp_tls_security_level = dane\n" in readme
    assert '    default_level = "dane" ' in readme
    text = text_of("etc/postseal.toml")
    uncommented = tmp_path / "uncommented.toml"
    uncommented.write_text(re.sub(r"^#(?=\[|\w+ = )", "", text, flags=re.MULTILINE))
    assert same_configuration(uncommented, empty)
    left_out = {"store", "listen.idle", "listen.owner", "listen.group", "listen.hosts"}
    table = ""
    there = set()
    for line in uncommented.read_text().splitlines():
        if found := re.match(r"\[+(\w+)\]+", line):
            table = found.group(1) + "."
        elif found := re.match(r"(\w+) = ", line):
            there.add(table + found.group(1))
    wanted = {key for key in known_keys() if not key.startswith("map.")}
    assert there == wanted - left_out


def test_container_configuration_is_good():
    assert same_configuration(CONTRIB / "etc/container.toml", CONTRIB / "etc/container.toml")


def test_logcheck_leaves_out_what_is_normal_and_nothing_else(tmp_path):
    normal = [
        "info listening listener=inet:127.0.0.1:8461 protocol=socketmap",
        "info started version=0.1.0 overrides=0",
        "info reloaded changed=\"\" needs_restart=\"\"",
        "info reloaded changed=listen,log needs_restart=user",
        "info verdict-changed nexthop=example.com old=may new=enforce row=11 reason=\"a policy\"",
        "info verdict-changed row=11 suppressed=4711",
        "info forgotten nexthop=[mx.example.com]:25",
        "info giving-way",
        "info sandbox landlock=4",
        "info stopped",
        "info servers-changed servers=192.0.2.1,2001:db8::1",
        "info validation-restored",
        "info clock-confirmed by=kernel",
    ]
    told = [
        "warning downgrade domain=example.com old=enforce new=none",
        "warning tempfail nexthop=example.com row=3 reason=\"MX example.com is bogus\"",
        "error store reason=\"disk full\"",
        "info started version=0.1.0 overrides=0 and more",
        "what libunbound says",
    ]
    rules = CONTRIB / "debian/postseal.logcheck.ignore.server"
    for head in (SYSLOG, JOURNAL):
        lines = "".join(f"{head}{line}\n" for line in [*normal, *told])
        left = command("grep", "-E", "-v", "-f", rules, input=lines).stdout.splitlines()
        assert left == [head + line for line in told]
    page = section("postseald.8", "LOG")
    events = {entry.head.split()[0] for entry in entries(page, "Ic")
              if entry.head.endswith("Pq info")}
    assert events == {line.split()[1] for line in normal}, "all events of level info"


def test_apparmor_profile_is_well_formed():
    profile = CONTRIB / "apparmor/usr.sbin.postseald"
    result = command("apparmor_parser", "--skip-kernel-load", "--skip-cache", profile)
    assert result.returncode == 0, result.stderr
    complaints = [line for line in result.stderr.splitlines() if "interface file missing" not in line]
    assert complaints == []


def test_openrc_script_is_well_formed():
    assert command("sh", "-n", CONTRIB / "openrc/postseald").returncode == 0


def test_rpm_spec():
    spec = CONTRIB / "rpm/postseal.spec"
    assert command("rpmspec", "-P", spec).returncode == 0
    # The tarball is made from the tree and has no address.
    complaints = command("rpmlint", spec).stdout
    assert " 0 errors" in complaints, complaints
