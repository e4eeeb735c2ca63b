# test_early_close.py: a policy host that closes after each octet of what it says
#
# Half a policy is none: the verdict is that without a policy (row 13), unless all was said.
# SPDX-License-Identifier: BSD-3-Clause
import re
import time

import pytest

from hostile.early_close import ADDRESS, HOWS, EarlyClose, response
from hostile.name_server import ZONE, NameServer
from resources import descriptors, patience, peak, resident
from socketmap import request

NO_PROMISE = "NOTFOUND "
BEYOND = 100_000  # octets: of no handshake
AT_ONCE = 40  # domains asked for
MORE_MEMORY = 64 * 1024  # KiB, with sanitizers
STEP = 5  # octets of the handshake
SIGNATURES = 24  # octets by which handshakes differ: those of ECDSA have no fixed length


@pytest.fixture
def internet(world):
    with EarlyClose(world.certificates) as host:
        policy_hosts: dict[str, str] = {}
        with NameServer(policy_hosts) as server:
            yield host, server


def expected(name: str, uncut: set[str]) -> str:
    how, _, at = name.partition("-")
    good = f"OK secure match=mx.{name}.{ZONE} servername=hostname"
    said = response(name)[:int(at)]
    if how == "handshake":
        return good if name in uncut else NO_PROMISE
    if how == "open":
        return NO_PROMISE  # nobody knows whether that was all
    if how == "whole":
        # It says that this was all, so a shorter life is what it is (RFC 9112 section 6.3).
        return good if re.search(rb"\nmax_age: \d+\n?$", said) else NO_PROMISE
    return good if said == response(name) else NO_PROMISE


def ask(daemon, server: NameServer, names: list[str]) -> dict[str, str]:
    server.policy_hosts.update(dict.fromkeys(names, ADDRESS))
    replies = {}
    with daemon.connect() as connection:
        connection.socket.settimeout(120)
        for begin in range(0, len(names), AT_ONCE):
            some = names[begin:begin + AT_ONCE]
            connection.send(b"".join(request("postfix", f"{name}.{ZONE}") for name in some))
            replies |= {name: connection.receive() for name in some}
    return replies


def test_at_every_octet(internet, new_daemon, monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "quarantine_size_mb=1:malloc_context_size=0")
    host, server = internet
    # Long enough for a busy machine: what is judged is not the time.
    daemon = new_daemon(limits={"deadline": "90s"}, dns={"timeout": "60s"})
    daemon.start()
    pid = daemon.process.pid
    uncut = f"handshake-{BEYOND}"
    assert ask(daemon, server, [uncut]) == {uncut: expected(uncut, {uncut})}
    octets_of_all = host.handshake_octets
    assert octets_of_all > 500
    memory, files = resident(pid), descriptors(pid)

    names = [f"{how}-{octets}" for how in HOWS if how != "handshake"
             for octets in range(len(response(f"{how}-100")) + 1)]
    names = [name for name in names if int(name.partition("-")[2]) <= len(response(name))]
    names += [f"handshake-{octets}" for octets in range(0, octets_of_all, STEP)]
    begun = time.monotonic()
    replies = ask(daemon, server, names)
    print(f"\n{len(names)} exchanges cut in {time.monotonic() - begun:.1f} s: "
          f"{peak(pid) - memory} KiB more memory at most, {host.connections} connections")
    assert server.faults == []
    # A handshake that came out shorter than the first may have been said to its end.
    assert all(int(name.partition("-")[2]) > octets_of_all - SIGNATURES for name in host.uncut)
    wrong = {name: reply for name, reply in replies.items() if reply != expected(name, host.uncut)}
    assert wrong == {}
    assert sum(reply != NO_PROMISE for reply in replies.values()) >= 2

    assert peak(pid) - memory < MORE_MEMORY
    end = time.monotonic() + patience(30)
    while daemon.status()["lookups"]["pending"] or descriptors(pid) > files + 2:
        assert time.monotonic() < end, (daemon.status(), descriptors(pid), files)
        time.sleep(0.1)
