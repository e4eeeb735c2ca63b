# nameserver.py: the authoritative name servers, one NSD each for root, TLD and all other zones,
# and two that are no use
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode

from . import addresses, processes
from .zones import ZoneFiles

CONFIGURATION = """\
server:
{addresses}    port: 53
    server-count: 1
    username: ""
    chroot: ""
    zonesdir: ""
    database: ""
    zonelistfile: "{folder}/zone.list"
    xfrdfile: "{folder}/xfrd.state"
    xfrdir: "{folder}"
    pidfile: "{folder}/nsd.pid"
    zonefiles-check: yes
    hide-version: yes
    rrl-ratelimit: 0
    reuseport: no
remote-control:
    control-enable: no
"""


class NameServer:
    """One NSD on one address, serving `names` of `files`."""

    def __init__(self, folder: pathlib.Path, address: str, names: list[str],
                 files: ZoneFiles) -> None:
        self.address = address
        self._probe = names[0]
        self._folder = folder / f"nsd-{address}"
        self._folder.mkdir(parents=True, exist_ok=True)
        listen = "".join(f"    ip-address: {each}\n"
                         for each in {address: 0, addresses.other_way_to(address): 0})
        text = CONFIGURATION.format(addresses=listen, folder=self._folder)
        for name in names:
            text += f'zone:\n    name: "{name}"\n    zonefile: "{files.path(name)}"\n'
        self._configuration = self._folder / "nsd.conf"
        self._configuration.write_text(text, encoding="ascii")
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [_nsd(), "-d", "-c", str(self._configuration)]
        self._process = processes.start(command, self._folder / "log")

    def wait_until_ready(self) -> None:
        self.wait_for_serial(self._probe, None)

    def stop(self) -> None:
        if self._process:
            processes.stop(self._process)
            self._process = None

    def fall_silent(self) -> None:
        """Takes questions and does not answer until speak_again()."""
        for pid in processes.family(self._process.pid):
            os.kill(pid, signal.SIGSTOP)

    def speak_again(self) -> None:
        for pid in processes.family(self._process.pid):
            os.kill(pid, signal.SIGCONT)

    def reload(self, zone: str, serial: int) -> None:
        """Back when the server has what was written."""
        assert self._process
        self._process.send_signal(signal.SIGHUP)
        self.wait_for_serial(zone, serial)

    def wait_for_serial(self, zone: str, serial: int | None, patience: float = 30) -> None:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            found = self._serial(zone)
            if found is not None and serial in (None, found):
                return
            if self._process and self._process.poll() is not None:
                break
            time.sleep(0.02)
        log = (self._folder / "log").read_text(errors="replace")
        raise RuntimeError(f"the name server at {self.address} does not serve {zone}:\n{log}")

    def _serial(self, zone: str) -> int | None:
        query = dns.message.make_query(zone, "SOA")
        try:
            answer = dns.query.udp(query, self.address, timeout=1)
        except (dns.exception.Timeout, OSError):
            return None
        if answer.rcode() != dns.rcode.NOERROR or not answer.answer:
            return None
        return answer.answer[0][0].serial


class SilentServer:
    """Takes queries and never answers."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def start(self) -> None:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((addresses.SILENT_SERVER, 53))
        tcp = socket.create_server((addresses.SILENT_SERVER, 53))
        self._sockets = [udp, tcp]

    def stop(self) -> None:
        for socket_ in self._sockets:
            socket_.close()
        self._sockets = []


class FailingServer:
    """Answers every query by SERVFAIL."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def start(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((addresses.FAILING_SERVER, 53))
        threading.Thread(target=self._serve, args=(self._socket,), daemon=True).start()

    def stop(self) -> None:
        if self._socket:
            # An empty datagram wakes the thread.
            self._socket.sendto(b"", self._socket.getsockname())
            self._socket = None

    def _serve(self, socket_: socket.socket) -> None:
        while True:
            data, client = socket_.recvfrom(4096)
            if not data:
                break
            response = dns.message.make_response(dns.message.from_wire(data))
            response.set_rcode(dns.rcode.SERVFAIL)
            socket_.sendto(response.to_wire(), client)
        socket_.close()


def missing() -> str | None:
    return None if _nsd() else "the name server nsd is missing: install nsd"


def _nsd() -> str | None:
    return shutil.which("nsd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
