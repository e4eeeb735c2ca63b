# test_hardening.py: the programs of the release build resist what can be resisted
#
# POSTSEAL_RELEASE names the folder of "contrib/build release" (default: build).
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import pathlib
import platform
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


@pytest.mark.skipif(platform.machine() != "x86_64", reason="NO CET ON THIS MACHINE")
def test_jumps_land_where_they_may(program):
    """CET: main() is called through a pointer, so it begins with the mark."""
    code = output("objdump", "-d", "--no-show-raw-insn", "--disassemble=main", program)
    first = code.partition("<main>:\n")[2].splitlines()[0]
    assert "endbr64" in first


def test_compiled_with(program):
    """What leaves no mark in the program: stacks that grow are touched page by page."""
    commands = json.loads((FOLDER / "compile_commands.json").read_text(encoding="utf-8"))
    ours = [c["command"] for c in commands if c["file"].endswith(f"src/{program.name}.cpp")]
    assert ours
    for command in ours:
        assert "-fstack-clash-protection" in command
        assert "-D_FORTIFY_SOURCE=3" in command and " -O0" not in command
