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
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager",
         UNITS / "postseald.service"],
        capture_output=True, text=True, check=False, timeout=60,
    )
    level = re.search(r"Overall exposure level for postseald\.service: ([\d.]+)", result.stdout)
    assert result.returncode == 0 and float(level.group(1)) <= 2.0, result.stdout


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
