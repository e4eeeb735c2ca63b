# debian.py: roots of Debian releases, unpacked by mmdebstrap from the mirror that this system uses
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import platform
import shutil
import subprocess

from world.processes import run

OWN_SUITE = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
PATIENCE = 300  # seconds for a slow mirror


class Unavailable(Exception):
    """It cannot be obtained here; the text says why."""


def unpack(suite: str, root: pathlib.Path, packages: str, variant: str) -> None:
    """Variant "extract" runs no maintainer script; "essential" is the least that dpkg works in."""
    if not shutil.which("mmdebstrap"):
        raise Unavailable("mmdebstrap is missing: install mmdebstrap")
    if not root.parent.parent.exists():
        raise Unavailable(f"{root.parent.parent} is missing")
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(exist_ok=True)
    # A mirror may lag behind: the signature of what it has is what counts.
    options = ["--aptopt=Acquire::Check-Valid-Until \"false\"", *_proxies()]
    command = ["mmdebstrap", "--mode=root", f"--variant={variant}", f"--include={packages}",
               *options, suite, str(root), _mirror()]
    try:
        result = run(command, timeout=PATIENCE)
    except subprocess.TimeoutExpired as why:
        raise Unavailable(f"mmdebstrap {suite}: not done after {PATIENCE} s") from why
    if result.returncode != 0:
        errors = [line for line in result.stderr.splitlines() if line.startswith("E: ")]
        raise Unavailable(f"mmdebstrap {suite}: {' '.join(errors)[:300]}")


def _mirror() -> str:
    """Where this system has its own packages from."""
    form = "$(REPO_URI)"
    result = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    for uri in result.stdout.split():
        if uri.rstrip("/").endswith("/debian"):
            return uri
    raise Unavailable("apt's sources name no mirror of Debian")


def _proxies() -> list[str]:
    lines = run(["apt-config", "dump", "Acquire"]).stdout.splitlines()
    return [f"--aptopt={line}" for line in lines if "Proxy" in line]
