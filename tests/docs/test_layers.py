# test_layers.py: contrib/dev/layer-check finds what reaches up, and a C library in a second folder
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import subprocess

import pytest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "contrib/dev/layer-check"


def check(root: pathlib.Path) -> tuple[int, str]:
    done = subprocess.run([CHECK, root], capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("name, text, fault", [
    ("src/tls/a.cpp", '#include "https/b.h"', "src/tls/a.cpp:1: tls reaches up to https"),
    ("src/core/wire/a.cpp", '\n# include "async/b.h"', "src/core/wire/a.cpp:2: core reaches up to async"),
    ("include/postseal/wire/a.h", "#include <uv.h>",
     "include/postseal/wire/a.h:1: uv.h is included in async only"),
    ("src/probe/a.cpp", "#include <gnutls/x509.h>",
     "src/probe/a.cpp:1: gnutls/x509.h is included in tls only"),
    ("src/new/a.cpp", "", "src/new/a.cpp:1: the folder new has no place in the order"),
    ("src/dns/a.cpp", '#include "new/b.h"',
     "src/dns/a.cpp:1: the folder new has no place in the order"),
    ("src/https/a.cpp", '#include "tls/b.h"\n#include "c.h"\n#include "postseal/wire/a.h"', ""),
    ("src/postseald.cpp", '#include "cli/b.h"', ""),
])
def test_what_it_finds(tmp_path, name, text, fault):
    (tmp_path / "include/postseal/wire").mkdir(parents=True)
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "src").mkdir(exist_ok=True)
    file.write_text(text + "\n", encoding="ascii")
    assert check(tmp_path) == ((1, fault + "\n") if fault else (0, ""))


def test_the_house():
    assert check(CHECK.parents[2]) == (0, "")
