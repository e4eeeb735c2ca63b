# programs.py: the programs that the documents are about
#
# They are those of the folder that the environment variable POSTSEAL_BUILD names (default: build, at
# the top of the project).
# SPDX-License-Identifier: BSD-3-Clause
import os
import re
import subprocess

import pytest

from mdoc import PROJECT

BUILD = (PROJECT / os.environ.get("POSTSEAL_BUILD", "build")).resolve()


def run(name: str, *arguments, **options) -> subprocess.CompletedProcess:
    path = BUILD / name
    if not path.exists():
        pytest.fail(f"{path} is missing: build it, or set POSTSEAL_BUILD")
    return subprocess.run([path, *arguments], capture_output=True, text=True, timeout=120, **options)


def known_keys() -> list[str]:
    return run("tests/docs/print_keys").stdout.split()


def same_configuration(a, b) -> bool:
    result = run("tests/docs/print_keys", a, b)
    assert result.returncode in (0, 1), result.stderr
    return result.returncode == 0


def configuration_fault(file) -> str:
    """What is wrong with it; empty: nothing."""
    return run("tests/docs/print_keys", file, file).stderr


def help_of(name: str, *command: str) -> str:
    result = run(name, *command, "--help")
    assert result.returncode == 0
    return result.stdout


def options(help_text: str) -> set[tuple[str, str]]:
    """(short, long) of each; short may be empty."""
    return {
        (short or "", long)
        for short, long in re.findall(r"^ +(?:-(\w), ?)?--([\w-]+)", help_text,
                                      flags=re.MULTILINE)
    }


def listed(help_text: str, heading: str) -> list[str]:
    """The names below a heading of the tool's help, such as "Commands"."""
    found = re.search(rf"^{heading}:\n((?: .*\n)+)", help_text, flags=re.MULTILINE)
    return re.findall(r"^  ([\w-]+)", found.group(1), flags=re.MULTILINE) if found else []


def commands_of_the_tool() -> list[str]:
    """All that can be run, as they are typed: "query", "overrides list"."""
    found = []
    for name in listed(help_of("postseal"), "Commands"):
        parts = listed(help_of("postseal", name), "Commands")
        found += [f"{name} {part}" for part in parts] or [name]
    return found
