# test_hardening.py: the programs of the release build resist what can be resisted
#
# POSTSEAL_RELEASE names the folder of "contrib/build release" (default: build).
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = (PROJECT / os.environ.get("POSTSEAL_RELEASE", "build")).resolve()
PROGRAMS = ("postseald", "postseal")


@pytest.fixture(params=PROGRAMS)
def program(request) -> pathlib.Path:
    for tool in ("readelf", "objdump"):
        if not shutil.which(tool):
            pytest.fail(f"{tool} is missing: install binutils")
    path = FOLDER / request.param
    assert path.exists(), f"{path} is missing: contrib/build release"
    return path


def output(*command: str | pathlib.Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_position_independent(program):
    assert "Type:                              DYN" in output("readelf", "-Wh", program)
    assert re.search(r"FLAGS_1\).*\bPIE\b", output("readelf", "-Wd", program))


def test_tables_are_read_only_once_it_runs(program):
    """Full RELRO: all symbols are bound at start."""
    assert "GNU_RELRO" in output("readelf", "-Wl", program)
    assert re.search(r"FLAGS_1\).*\bNOW\b", output("readelf", "-Wd", program))


def test_no_memory_is_writable_and_executable(program):
    segments = output("readelf", "-Wl", program)
    stack, = re.findall(r"GNU_STACK +(?:0x\w+ +){5}(\S+) ", segments)
    assert stack == "RW"
    loads = re.findall(r"LOAD +(?:0x\w+ +){5}([RWE ]+?) +0x", segments)
    assert loads
    assert not any("W" in flags and "E" in flags for flags in loads)
    assert "TEXTREL" not in output("readelf", "-Wd", program)


def test_libraries_come_from_the_system(program):
    dynamic = output("readelf", "-Wd", program)
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic


def test_stack_and_buffers_are_watched(program):
    symbols = output("readelf", "-W", "--dyn-syms", program)
    assert "__stack_chk_fail" in symbols
    assert re.search(r" __\w+_chk@", symbols), "no call that _FORTIFY_SOURCE checks"


def test_the_page_claims_what_is_there(program):
    """contrib/doc/security.md: each word of its line is checked here, and CET is named as it is."""
    page = (PROJECT / "contrib/doc/security.md").read_text(encoding="utf-8")
    claimed, = re.findall(r"^\| ([^|]*)\|[^|]*\| `tests/release/test_hardening\.py` \|$", page,
                          flags=re.MULTILINE)
    assert [word.strip(" `") for word in claimed.split(",")] == [
        "PIE", "full RELRO", "stack protector", "stack clash protection", "_FORTIFY_SOURCE",
        "_GLIBCXX_ASSERTIONS", "variables zeroed",
    ]
    if "Debian GNU/Linux 12" in pathlib.Path("/etc/os-release").read_text(encoding="utf-8"):
        assert "CET is not in it" in page
        notes = output("readelf", "-nW", program)
        assert "IBT" not in notes and "SHSTK" not in notes


def test_compiled_with(program):
    """What leaves no mark in the program: stacks that grow are touched page by page."""
    commands = json.loads((FOLDER / "compile_commands.json").read_text(encoding="utf-8"))
    ours = [c["command"] for c in commands if c["file"].endswith(f"src/{program.name}.cpp")]
    assert ours
    for command in ours:
        assert "-fstack-clash-protection" in command
        assert "-D_FORTIFY_SOURCE=3" in command and " -O0" not in command
        assert "-D_GLIBCXX_ASSERTIONS" in command
        assert "-ftrivial-auto-var-init=zero" in command
