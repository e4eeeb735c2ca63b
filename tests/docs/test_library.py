# test_library.py: the program in libpostseal(3) is compiled against the installed library, outside of
# the project, and prints what the page says
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import re
import subprocess

import pytest

from mdoc import PROJECT
from programs import BUILD

PAGE = PROJECT / "man/libpostseal.3"


def literals() -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return [found.replace("\\e", "\\")
            for found in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", text, re.S | re.M)]


def run(*command, **environment) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=300,
                            env=os.environ | environment, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that is "/" to it, and the options that its build has."""
    root = tmp_path_factory.mktemp("installed")
    run("meson", "install", "-C", str(BUILD), "--no-rebuild", "--tags", "devel",
        "--destdir", str(root))
    return root


@pytest.fixture(scope="module")
def compiler() -> list[str]:
    """As it was built, with the sanitizers that are in it."""
    options = {option["name"]: option["value"]
               for option in json.loads(run("meson", "introspect", "--buildoptions", str(BUILD)))}
    commands = json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8"))
    words = commands[0]["command"].split()
    sanitize = options["b_sanitize"]
    return [*words[:1 + words[0].endswith("ccache")], "-std=c++23",
            *([f"-fsanitize={sanitize}"] if sanitize != "none" else [])]


@pytest.mark.parametrize("kind", ["shared", "static"])
def test_program_of_the_page(installed, compiler, tmp_path, kind):
    program, printed = literals()
    assert len(program.splitlines()) <= 40
    (tmp_path / "program.cpp").write_text(program, encoding="ascii")
    [description] = installed.rglob("libpostseal.pc")
    libraries = description.parents[1]
    asked = {"PKG_CONFIG_PATH": str(description.parent), "PKG_CONFIG_SYSROOT_DIR": str(installed)}
    flags = run("pkg-config", "--cflags", "--libs", *(["--static"] if kind == "static" else []),
                "libpostseal", **asked).split()
    if kind == "static":
        flags = [flag.replace("-lpostseal", "-l:libpostseal.a") for flag in flags]
    run(*compiler, str(tmp_path / "program.cpp"), *flags, "-o", str(tmp_path / "program"))
    assert run(str(tmp_path / "program"), LD_LIBRARY_PATH=str(libraries)) == printed
    needed = "libpostseal.so.0" in run("readelf", "-d", str(tmp_path / "program"))
    assert needed == (kind == "shared")


def test_every_folder_of_headers_is_named(installed):
    [headers] = installed.rglob("include/postseal")
    there = {folder.name for folder in headers.iterdir()}
    named = set(re.findall(r"^\.It Pa (\w+)$", PAGE.read_text(encoding="utf-8"), re.M))
    assert named == there
