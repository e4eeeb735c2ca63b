# validating_resolver.py: unbound, as Postfix needs it in /etc/resolv.conf: it validates and says so
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import shutil
import subprocess
import time

import dns.exception
import dns.flags
import dns.message
import dns.query

from . import addresses, processes

CONFIGURATION = """\
server:
    interface: {address}
    username: ""
    chroot: ""
    directory: ""
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    access-control: 0.0.0.0/0 allow
    do-not-query-localhost: no
    root-hints: "{root_hints}"
    trust-anchor-file: "{trust_anchor}"
    {more}
remote-control:
    control-enable: no
"""
RESOLV_CONF = "nameserver {address}\noptions edns0 trust-ad\n"


class ValidatingResolver:
    def __init__(self, folder: pathlib.Path, trust_anchor: pathlib.Path,
                 root_hints: pathlib.Path,
                 address: str = addresses.VALIDATING_RESOLVER, more: str = "") -> None:
        """`more`: of its server clause."""
        self._address = address
        folder.mkdir(parents=True, exist_ok=True)
        self.resolv_conf = folder / "resolv.conf"
        self.resolv_conf.write_text(RESOLV_CONF.format(address=address), encoding="ascii")
        self._configuration = folder / "unbound.conf"
        self._configuration.write_text(CONFIGURATION.format(
            address=address, root_hints=root_hints, trust_anchor=trust_anchor, more=more
        ), encoding="utf-8")
        self._log = folder / "log"
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "ValidatingResolver":
        command = [_unbound(), "-d", "-c", str(self._configuration)]
        self._process = processes.start(command, self._log)
        end = time.monotonic() + 20
        while not self._validates():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"unbound does not answer:\n{self._log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_) -> None:
        assert self._process
        processes.stop(self._process)

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def _validates(self) -> bool:
        query = dns.message.make_query(".", "NS", want_dnssec=True)
        try:
            answer = dns.query.udp(query, self._address, timeout=1)
        except (dns.exception.Timeout, OSError):
            return False
        return bool(answer.flags & dns.flags.AD)


def missing() -> str | None:
    return None if _unbound() else "the resolver unbound is missing: install unbound"


def _unbound() -> str | None:
    return shutil.which("unbound", path="/usr/sbin:/usr/local/sbin:/usr/bin")
