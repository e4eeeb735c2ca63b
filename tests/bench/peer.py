# peer.py: postfix-mta-sts-resolver as Debian packages it, in the world of a benchmark
#
# Its package is downloaded by apt-get and unpacked, not installed: that would leave a daemon of it on
# this machine. It is kept in the folder peers of the build folder; remove it to have a newer one. What
# it runs on must be installed: contrib/packages/peers. It runs as its unit starts it, and with the
# uvloop that its package recommends; /etc/resolv.conf names an unbound of this world.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from daemon import build_folder
from world import processes
from world.netns import Unavailable
from world.validating_resolver import ValidatingResolver

PACKAGE = "postfix-mta-sts-resolver"
PYTHON = "/usr/bin/python3"  # whose modules Debian's packages are
NEEDS = "aiodns, aiohttp, aiosqlite, uvloop, yaml"
CACHES = ("internal", "sqlite")
# The example of its package, and /etc/mta-sts-daemon.yml of its package, with other paths and ports.
INTERNAL = """\
host: 127.0.0.1
port: {port}
reuse_port: true
shutdown_timeout: 20
cache:
  type: internal
  options:
    cache_size: 10000
default_zone:
  strict_testing: false
  timeout: 4
"""
SQLITE = """\
port: {port}
cache:
  type: sqlite
  options:
    filename: "{folder}/cache.db"
"""
PATIENCE = 60  # seconds
ADDRESS = "198.18.0.1/32"  # for benchmarks, RFC 2544
IN_ITS_PLACE = 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"'


def prepare() -> pathlib.Path:
    """Where it is unpacked. Call it before a network namespace is entered: it may need the mirror."""
    folder = build_folder() / "peers" / PACKAGE
    missing = processes.run([PYTHON, "-c", f"import {NEEDS}"]).stderr.strip()
    if missing:
        raise Unavailable(f"{missing.splitlines()[-1]}: contrib/install peers")
    if not folder.exists():
        _unpack(folder)
    return folder


def _unpack(folder: pathlib.Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        try:
            # apt-get writes into the folder where it is started.
            subprocess.run(["apt-get", "-qq", "download", PACKAGE], cwd=place, check=True,
                           capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as why:
            raise Unavailable(f"{PACKAGE}: {getattr(why, 'stderr', None) or why}") from why
        (package,) = pathlib.Path(place).glob("*.deb")
        subprocess.run(["dpkg", "-x", package, f"{place}/root"], check=True)
        shutil.move(f"{place}/root", folder)


def version(folder: pathlib.Path) -> str:
    (info,) = (folder / "usr/lib/python3/dist-packages").glob("*.egg-info")
    return re.search(r"^Version: (.*)$", (info / "PKG-INFO").read_text(), re.MULTILINE)[1]


class Peer:
    """Listens on 127.0.0.1:`port`; `before`: words before its command."""

    def __init__(self, root: pathlib.Path, folder: pathlib.Path, cache: str, port: int,
                 ca_file: pathlib.Path, resolver: ValidatingResolver,
                 before: list[str] | None = None) -> None:
        folder.mkdir(parents=True)
        configuration = folder / "mta-sts-daemon.yml"
        text = INTERNAL if cache == "internal" else SQLITE
        configuration.write_text(text.format(port=port, folder=folder), encoding="utf-8")
        self.to = f"127.0.0.1:{port}"
        self._address = ("127.0.0.1", port)
        self._log = folder / "log"
        self._command = [
            "unshare", "--mount", "sh", "-ec", IN_ITS_PLACE, "sh", str(resolver.resolv_conf),
            *(before or []), PYTHON, str(root / "usr/bin/mta-sts-daemon"),
            "--config", str(configuration),
        ]
        self._environment = {**os.environ, "SSL_CERT_FILE": str(ca_file),
                             "PYTHONPATH": str(root / "usr/lib/python3/dist-packages")}
        self._process: subprocess.Popen | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "Peer":
        # With loopback alone getaddrinfo(3), as aiohttp calls it, gives no IPv4 address.
        subprocess.run(["ip", "address", "replace", ADDRESS, "dev", "lo"], check=True)
        self._process = processes.start(self._command, self._log, env=self._environment)
        end = time.monotonic() + PATIENCE
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{PACKAGE} does not listen:\n{self._log.read_text()}")
            time.sleep(0.05)
        if "uvloop enabled" not in self._log.read_text():
            raise RuntimeError(f"{PACKAGE} without uvloop:\n{self._log.read_text()}")
        return self

    def __exit__(self, *_) -> None:
        processes.stop(self._process)
        # Another peer may have taken it away already.
        subprocess.run(["ip", "address", "del", ADDRESS, "dev", "lo"], check=False,
                       stderr=subprocess.DEVNULL)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(self._address, timeout=1).close()
            return True
        return False
