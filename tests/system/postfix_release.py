# postfix_release.py: several versions of Postfix side by side
#
# The system's own, and for each of SUITES that of another Debian release, unpacked with all that
# it needs and without maintainer scripts by mmdebstrap, from the mirror that this system uses. They
# are kept in the folder that the environment variable POSTSEAL_POSTFIX names (default: postfix, in
# the build folder); remove it to have newer ones.
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import re
import shutil
from dataclasses import dataclass

import debian
from daemon import build_folder
from debian import OWN_SUITE, Unavailable
from world.processes import run

SYSTEM = "system"
SUITES = [suite for suite in ("trixie", "sid") if suite != OWN_SUITE]
NAMES = [SYSTEM, *SUITES]
NEWEST = NAMES[-1]
# Those behind postfix are what "postfix check" calls.
PACKAGES = "base-files,netbase,postfix,coreutils,dash,diffutils,findutils,grep,perl-base,sed"
USERS = """\
root:x:0:0::/root:/bin/sh
postfix:x:101:101::/var/spool/postfix:/usr/sbin/nologin
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
"""
GROUPS = "root:x:0:\npostfix:x:101:\npostdrop:x:102:\nnogroup:x:65534:\n"


@dataclass(frozen=True)
class Release:
    name: str
    root: pathlib.Path  # "/" for the system's own
    version: tuple[int, ...]


def prepare(name: str) -> Release:
    """Call it before a network namespace is entered: it may need the mirror."""
    if os.getuid() != 0:
        raise Unavailable("Postfix needs root")
    if name == SYSTEM:
        return Release(name, pathlib.Path("/"), _version(pathlib.Path("/")))
    root = _folder() / name
    packages = root / "packages"
    if not packages.exists() or packages.read_text(encoding="ascii") != PACKAGES:
        _unpack(name, root)
    return Release(name, root, _version(root))


def _version(root: pathlib.Path) -> tuple[int, ...]:
    result = run(["chroot", str(root), "/usr/sbin/postconf", "-d", "-h", "mail_version"])
    if result.returncode != 0:
        raise Unavailable(f"no Postfix in {root}: {result.stderr.strip()}")
    return tuple(int(part) for part in re.findall(r"\d+", result.stdout))


def _folder() -> pathlib.Path:
    named = os.environ.get("POSTSEAL_POSTFIX")
    return pathlib.Path(named).resolve() if named else build_folder() / "postfix"


def _unpack(suite: str, root: pathlib.Path) -> None:
    new = root.with_suffix(".new")
    debian.unpack(suite, new, PACKAGES, "extract")
    (new / "etc/passwd").write_text(USERS, encoding="ascii")
    (new / "etc/group").write_text(GROUPS, encoding="ascii")
    (new / "mnt").mkdir(exist_ok=True)
    (new / "packages").write_text(PACKAGES, encoding="ascii")
    shutil.rmtree(root, ignore_errors=True)
    new.rename(root)
