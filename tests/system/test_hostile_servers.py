# test_hostile_servers.py: name servers and policy hosts that mean harm
#
# All at once, asked by a daemon with short limits. Time, memory and connections stay bounded, the
# verdict is that of the decision table, and others are served meanwhile.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import json
import os
import socket
import threading
import time

import pytest

from hostile.name_server import ODD, ZONE, NameServer
from hostile.policy_hosts import AFTER_TLS, BEFORE_TLS, PolicyHosts
from resources import descriptors, patience, peak, resident
from socketmap import request

MORE_MEMORY = 160 * 1024  # KiB, with sanitizers: of all that is hostile together
NO_PROMISE = "NOTFOUND "  # row 13: MX and hosts are insecure, no policy
NO_MX = "OK dane"  # row 5: the lookup failed, nothing is remembered
GOOD = "OK secure match=mx.{name}.hostile.example"

DNS = {
    "many-mx": "OK dane",  # row 12: of 500 hosts 128 are looked up
    "cname-loop": NO_MX,
    "cname-endless": NO_MX,
    "ttl-zero": NO_PROMISE,
    "ttl-huge": NO_PROMISE,
    "truncated": NO_MX,
    "tcp-drip": NO_MX,
    "tcp-endless": NO_MX,
    "garbage": NO_MX,
    "counts": NO_MX,
    "pointer-loop": NO_MX,
    "other-names": NO_PROMISE,
    "other-question": NO_MX,
    "wrong-id": NO_MX,
    "referrals": "OK dane",  # row 12: the host cannot be looked up
    "many-records": NO_PROMISE,
    "long-record": NO_PROMISE,  # what follows the id is not a field
    "many-addresses": NO_PROMISE,
    "aaaa-silent": NO_PROMISE,
}
# Those whose policy is good all the same; the rest has none.
GOOD_HOSTS = ("good", "as-many-mx-as-fit")
MOST_QUERIES = 10_000  # for one domain, by any trick
MOST_OF_A_CHAIN = 250  # of CNAMEs


def short_limits() -> tuple[int, dict]:
    """The deadline in seconds, and the sections that say so. Those who behave must make it, too."""
    longer = min(patience(1), 10)
    deadline = int(6 * longer)
    return deadline, {
        "limits": {"deadline": f"{deadline}s"},
        "dns": {"timeout": f"{int(4 * longer)}s"},
        "https": {"timeout": f"{int(5 * longer)}s"},
    }


@pytest.fixture
def quiet_memory(monkeypatch):
    """AddressSanitizer keeps freed memory for a while: not here."""
    monkeypatch.setenv("ASAN_OPTIONS", "quarantine_size_mb=1:malloc_context_size=0")


@pytest.fixture
def internet(world):
    with PolicyHosts(world.certificates) as hosts:
        with NameServer(hosts.addresses) as server:
            yield hosts, server


def ask_in_turn(daemon, keys: list[str]) -> tuple[dict[str, str], dict[str, float]]:
    """All on one connection; replies, and when each came."""
    replies, times = {}, {}
    with daemon.connect() as connection:
        connection.socket.settimeout(90)
        begun = time.monotonic()
        connection.send(b"".join(request("postfix", key) for key in keys))
        for key in keys:
            replies[key] = connection.receive()
            times[key] = time.monotonic() - begun
    return replies, times


@contextlib.contextmanager
def admin_connection(daemon):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(90)
        connection.connect(str(daemon.folder / "admin.sock"))
        yield connection.makefile("rwb")


def tell(admin, command: str, key: str) -> dict:
    admin.write(json.dumps({"command": command, "key": key}).encode() + b"\n")
    admin.flush()
    return json.loads(admin.readline())


def expected_replies() -> dict[str, str]:
    wanted = {f"{name}.{ODD}": reply for name, reply in DNS.items()}
    for name in [*AFTER_TLS, *BEFORE_TLS, "chain-of-fifty", "renegotiation"]:
        wanted[f"{name}.{ZONE}"] = GOOD.format(name=name) if name in GOOD_HOSTS else NO_PROMISE
    return wanted


@pytest.mark.skipif(not os.environ.get("POSTSEAL_FULL"),
                    reason="NOT TRIED: all hostile servers at once need a quiet machine and "
                           "contrib/check --full")
def test_all_at_once(internet, new_daemon, quiet_memory):
    hosts, server = internet
    deadline, limits = short_limits()
    daemon = new_daemon(**limits)
    daemon.start()
    pid = daemon.process.pid
    assert daemon.ask("dane.example") == "OK dane-only"
    wanted = expected_replies()
    memory, files = resident(pid), descriptors(pid)

    slowest_other = 0.0
    done = threading.Event()

    def others() -> None:
        nonlocal slowest_other
        with daemon.connect() as connection:
            while not done.wait(0.05):
                begun = time.monotonic()
                assert connection.ask("postfix", "dane.example") == "OK dane-only"
                slowest_other = max(slowest_other, time.monotonic() - begun)

    other = threading.Thread(target=others)
    other.start()
    try:
        replies, times = ask_in_turn(daemon, list(wanted))
    finally:
        done.set()
        other.join()
    assert server.faults == []
    most_memory = peak(pid) - memory
    print(f"\n{len(wanted)} hostile domains: last reply after {max(times.values()):.1f} s, "
          f"{most_memory} KiB more memory at most, slowest cached answer meanwhile "
          f"{slowest_other * 1000:.0f} ms, {sum(server.queries.values())} DNS queries "
          f"(most for one: {server.queries.most_common(1)}), {hosts.connections} connections")
    shown = {key: reply.partition(" servername")[0].partition(":")[0]
             for key, reply in replies.items()}
    with admin_connection(daemon) as admin:
        explained = {key: tell(admin, "explain", key)["explain"] for key in wanted}
    assert {key: (shown[key], explained[key]["verdict"]["reasons"])
            for key in wanted if shown[key] != wanted[key]} == {}
    assert max(times.values()) < deadline + patience(2)
    assert slowest_other < patience(1)
    assert most_memory < MORE_MEMORY
    assert max(server.queries.values()) <= MOST_QUERIES

    # Whatever goes on behind the answers ends, too.
    end = time.monotonic() + patience(30)
    while (daemon.status()["lookups"]["pending"] or descriptors(pid) > files + 2) \
            and time.monotonic() < end:
        time.sleep(0.2)
    assert daemon.status()["lookups"]["pending"] == 0
    assert descriptors(pid) <= files + 2
    for key in wanted:
        assert len(json.dumps(explained[key])) < 500_000, key
    # What was said of other names is not believed, and a TTL of nothing still holds for a minute.
    assert daemon.ask("dane.example") == "OK dane-only"
    asked = server.queries["ttl-zero"]
    assert daemon.ask(f"ttl-zero.{ODD}") == NO_PROMISE
    assert server.queries["ttl-zero"] == asked


@pytest.mark.parametrize("name", ["cname-endless", "cname-loop"])
def test_a_chain_costs_few_queries(internet, new_daemon, name):
    """And they end: what was begun in vain does not go on behind the answer."""
    _, server = internet
    daemon = new_daemon()
    daemon.start()
    assert daemon.ask(f"{name}.{ODD}") == NO_MX
    end = time.monotonic() + patience(30)
    while daemon.status()["lookups"]["pending"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert daemon.ask("dane.example") == "OK dane-only"
    assert 0 < server.queries[name] <= MOST_OF_A_CHAIN
    print(f"\n{name}: {server.queries[name]} queries")


def test_many_tlsa_records(world, new_daemon, quiet_memory):
    """Three hundred, signed."""
    daemon = new_daemon()
    daemon.start()
    assert daemon.ask("many-tlsa.example") == "OK dane-only"
    with admin_connection(daemon) as admin:
        explained = tell(admin, "explain", "many-tlsa.example")["explain"]
    assert len(explained["mx"]["hosts"][0]["tlsa"]) == 300
