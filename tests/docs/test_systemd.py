# test_systemd.py: the units of contrib/systemd are what systemd and the daemon expect
# SPDX-License-Identifier: BSD-3-Clause
import os
import re
import shutil
import subprocess

import pytest

from mdoc import PROJECT

UNITS = PROJECT / "contrib/systemd"


def values(unit: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", (UNITS / unit).read_text(encoding="utf-8"),
                      flags=re.MULTILINE)


def test_systemd_has_no_complaint(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("UNITS NOT CHECKED: install systemd")
    build = (PROJECT / os.environ.get("POSTSEAL_BUILD", "build")).resolve()
    for unit in UNITS.iterdir():
        # systemd looks for the programs where packages and "meson install" put them.
        text = re.sub(r"^(Exec\w+)=(postseald?)\b", rf"\1={build}/\2", unit.read_text(),
                      flags=re.MULTILINE)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    for unit in UNITS.iterdir():
        result = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
             tmp_path / unit.name],
            capture_output=True, text=True, check=False, timeout=60,
        )
        assert (result.returncode, result.stdout + result.stderr) == (0, ""), unit.name


def test_little_is_exposed():
    if not shutil.which("systemd-analyze"):
        pytest.skip("UNITS NOT CHECKED: install systemd")
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=16", "--no-pager",
         UNITS / "postseald.service"],
        capture_output=True, text=True, check=False, timeout=60,
    )
    level = re.search(r"Overall exposure level for postseald\.service: ([\d.]+)", result.stdout)
    assert result.returncode == 0 and float(level.group(1)) <= 1.6, result.stdout


def members(word: str) -> set[str]:
    """The system calls of a group, or the one that is named."""
    if not word.startswith("@"):
        return {word}
    listing = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", word],
                             capture_output=True, text=True, check=True, timeout=60).stdout
    lines = [line.strip() for line in listing.splitlines()[1:]]
    return {call for line in lines if line and not line.startswith("#") for call in members(line)}


def test_the_filter_has_what_the_daemon_needs():
    """Later lines of SystemCallFilter= add to earlier ones, or take away."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("UNITS NOT CHECKED: install systemd")
    calls: set[str] = set()
    for line in values("postseald.service", "SystemCallFilter"):
        named = {call for word in line.removeprefix("~").split() for call in members(word)}
        calls = calls - named if line.startswith("~") else calls | named
    assert calls >= {"openat", "connect", "clone", "execve", "prctl", "prlimit64",
                     "seccomp", "landlock_create_ruleset", "landlock_add_rule",
                     "landlock_restrict_self", "fchown", "fchownat", "adjtimex", "clock_adjtime"}
    assert not calls & {"clock_settime", "settimeofday", "capset", "setuid", "bpf", "keyctl",
                        "memfd_create", "io_uring_setup", "ptrace", "mount",
                        "userfaultfd", "process_vm_readv", "chroot"}


def test_what_the_daemon_needs():
    service = "postseald.service"
    assert values(service, "Type") == ["notify"]
    assert values(service, "RuntimeDirectoryPreserve") == ["yes"]
    assert int(values(service, "FileDescriptorStoreMax")[0]) >= 2
    assert int(values(service, "WatchdogSec")[0]) >= 30
    assert int(values(service, "LimitNOFILE")[0]) > 4096, "limits.connections"


def test_sockets_are_the_default_listeners():
    page = (PROJECT / "man/postseal.toml.5").read_text(encoding="utf-8")
    for address in values("postseald.socket", "ListenStream"):
        listed = f"unix:{address}" if address.startswith("/") else f"inet:{address}"
        assert listed in page
