# test_hostile_clients.py: clients that mean harm, or do it
#
# The daemon has short limits. Whoever behaves is served meanwhile; memory and connections stay
# bounded; replies are exactly one a question, in order, whatever happens.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import pathlib
import resource
import socket
import sqlite3
import time

import pytest

from daemon import program
from resources import descriptors, patience, resident
from socketmap import Closed, Connection, request

KNOWN = "dane.example"
KNOWN_REPLY = "OK dane-only"
AT_ONCE = 1.0  # seconds
COLD = 4.0
MAX_WITHOUT_PROMISE = 100_000  # names


@pytest.fixture
def quiet_memory(monkeypatch):
    """AddressSanitizer keeps freed memory for a while: not here."""
    monkeypatch.setenv("ASAN_OPTIONS", "quarantine_size_mb=1:malloc_context_size=0")


@pytest.fixture
def started(new_daemon, quiet_memory):
    def start(**sections):
        daemon = new_daemon(**sections)
        daemon.start()
        assert daemon.ask(KNOWN) == KNOWN_REPLY
        return daemon

    return start


def assert_served(daemon, key: str = KNOWN, reply: str = KNOWN_REPLY, limit: float = AT_ONCE):
    begun = time.monotonic()
    assert daemon.ask(key) == reply
    assert time.monotonic() - begun < patience(limit)


def wait_until(condition) -> None:
    end = time.monotonic() + patience(20)
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_slow_writers(started):
    """Two hundred that send an octet at a time; each gets its reply."""
    daemon = started()
    connections = [daemon.connect() for _ in range(200)]
    question = request("postfix", KNOWN)
    for n in range(len(question)):
        for connection in connections:
            connection.send(question[n:n + 1])
        if n % 5 == 0:
            assert_served(daemon)
    for connection in connections:
        assert connection.receive() == KNOWN_REPLY
        connection.close()


def test_half_open(started):
    """Some stop in the middle of a request; some say that they will say no more."""
    daemon = started()
    before = descriptors(daemon.process.pid)
    question = request("postfix", KNOWN)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(daemon.connect()) for _ in range(100)]
        for n, connection in enumerate(silent):
            connection.send(question[:n % len(question)])
        ended = [stack.enter_context(daemon.connect()) for _ in range(100)]
        for n, connection in enumerate(ended):
            connection.send(question[:n % len(question)])
            connection.socket.shutdown(socket.SHUT_WR)
        for connection in ended:
            assert connection.is_closed_by_server()
        whole = stack.enter_context(daemon.connect())
        whole.send(question * 3)
        whole.socket.shutdown(socket.SHUT_WR)
        assert [whole.receive() for _ in range(3)] == [KNOWN_REPLY] * 3
        assert whole.is_closed_by_server()
        assert_served(daemon)
    wait_until(lambda: descriptors(daemon.process.pid) <= before)


def fill(connections: list[Connection], question: bytes) -> list[int]:
    """Sends questions on all until nothing more is taken for a second; how many octets of each."""
    batch = question * 1000
    sent, last = [0] * len(connections), time.monotonic()
    for connection in connections:
        connection.socket.setblocking(False)
    while time.monotonic() - last < 1:
        for n, connection in enumerate(connections):
            with contextlib.suppress(BlockingIOError):
                sent[n] += connection.socket.send(batch[sent[n] % len(question):])
                last = time.monotonic()
        time.sleep(0.01)
    for connection in connections:
        connection.socket.settimeout(20)
    return sent


def test_clients_that_never_read(started):
    """They are not read from either; what they are owed is there when they do read."""
    daemon = started()
    pid = daemon.process.pid
    question = request("postfix", KNOWN)
    memory = resident(pid)
    connections = [daemon.connect_unix() for _ in range(20)]
    sent = fill(connections, question)
    more = resident(pid) - memory
    print(f"\n20 clients that do not read: {sum(sent) // len(question)} questions, "
          f"{more} KiB more memory")
    assert more < 20 * 1024
    assert_served(daemon)
    for connection in connections[1:]:
        connection.close()
    first = connections[0]
    whole, rest = divmod(sent[0], len(question))
    for _ in range(whole):
        assert first.receive() == KNOWN_REPLY
    first.send(question[rest:] if rest else question)
    assert first.receive() == KNOWN_REPLY
    first.close()


def test_five_thousand_connections(started):
    """All but the other listener's own places are taken, the rest waits in the kernel's queue; who is
    connected is served, and who comes by the unix socket is, too."""
    need = 5000 + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < need:
        pytest.skip(f"5,000 CONNECTIONS NOT TRIED: only {hard} descriptors (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, need), hard))
    daemon = started(limits={"connections": 5464})
    own = 5464 // 4  # of each of the two listeners
    pid = daemon.process.pid
    memory = resident(pid)
    known = daemon.connect()
    assert known.ask("postfix", KNOWN) == KNOWN_REPLY
    connections = []
    try:
        for _ in range(5000):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", daemon.port))
            connections.append(connection)
        wait_until(lambda: descriptors(pid) >= 4096)
        time.sleep(0.5)
        assert descriptors(pid) < 5464 - own + 100
        with daemon.connect_unix() as postfix:
            assert postfix.ask("postfix", KNOWN) == KNOWN_REPLY
        assert daemon.tool("stats").returncode == 0
        more = resident(pid) - memory
        print(f"\n4096 idle connections: {more} KiB more memory, {more / 4096:.2f} KiB each")
        assert more < 4096 * 8
        begun = time.monotonic()
        assert known.ask("postfix", KNOWN) == KNOWN_REPLY
        assert time.monotonic() - begun < patience(AT_ONCE)
        late = daemon.connect()  # waits with the others
        late.send(request("postfix", KNOWN))
        for connection in connections:
            connection.close()
        assert late.receive() == KNOWN_REPLY
        late.close()
    finally:
        for connection in connections:
            connection.close()
        known.close()
    wait_until(lambda: descriptors(pid) < 200)
    assert_served(daemon)


def test_ten_thousand_new_domains_from_one_client(started):
    """It waits for itself; another's new domains are looked up meanwhile."""
    daemon = started(limits={"lookups": 64, "deadline": "2s"})
    pid = daemon.process.pid
    memory = resident(pid)
    names = [f"d{n}.in-flight.example" for n in range(10_000)]  # nobody ever answers
    with daemon.connect() as greedy:
        greedy.socket.setblocking(False)
        data = b"".join(request("postfix", name) for name in names)
        sent = replies = 0
        waits: list[float] = []
        others = iter(["sts-one.example", "sts-two.example", "dane-two.example", "plain.example",
                       "hashed.example", "implicit-mx.example", "dane-ta.example"])
        buffer = b""
        ask_next = time.monotonic() + 0.5
        end = time.monotonic() + patience(60)
        while replies < len(names):
            assert time.monotonic() < end, (sent, replies)
            with contextlib.suppress(BlockingIOError):
                sent += greedy.socket.send(data[sent:sent + 65536])
            with contextlib.suppress(BlockingIOError):
                received = greedy.socket.recv(65536)
                assert received
                buffer += received
                whole, buffer = split(buffer)
                for reply in whole:
                    assert reply.startswith((b"TEMP ", b"OK dane")), reply
                replies += len(whole)
            if time.monotonic() > ask_next and (other := next(others, None)):
                begun = time.monotonic()
                reply = daemon.ask(other)
                waits.append(time.monotonic() - begun)
                assert reply.startswith(("OK ", "NOTFOUND ")), (other, reply)
                ask_next = time.monotonic() + 0.3
            time.sleep(0.01)
    more = resident(pid) - memory
    print(f"\n10,000 new domains from one client: others waited {max(waits):.2f} s at most "
          f"({len(waits)} new domains), {more} KiB more memory")
    assert waits and max(waits) < patience(COLD)
    assert more < 64 * 1024
    assert_served(daemon)


def rows_of(daemon, query: str, *values) -> list:
    with contextlib.closing(sqlite3.connect(daemon.folder / "state" / "postseal.db")) as database:
        rows = database.execute(query, values).fetchall()
        database.commit()
        return rows


def test_made_up_names_do_not_fill_the_disk(started):
    """Of names that promise nothing 100,000 are kept; one that promises something always is."""
    daemon = started()
    daemon.settle()
    daemon.stop()
    rows_of(daemon, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO nexthop SELECT 'm' || i || '.plain.example', 0, 0, 'may', 13, ?2, ?2, ''"
            " FROM n", MAX_WITHOUT_PROMISE, round(time.time() * 1000))
    size = (daemon.folder / "state" / "postseal.db").stat().st_size
    daemon.start()
    made_up = [f"new{n}.plain.example" for n in range(200)]
    with daemon.connect() as client:
        for name in made_up:
            assert client.ask("postfix", name).startswith(("NOTFOUND", "OK dane"))
    assert daemon.ask("dane-two.example") == KNOWN_REPLY
    daemon.settle()
    daemon.stop()
    kept = {name for name, in rows_of(daemon, "SELECT nexthop FROM nexthop")}
    assert {KNOWN, "dane-two.example", "m1.plain.example"} <= kept
    assert not kept & set(made_up)
    assert len(kept) == MAX_WITHOUT_PROMISE + 2
    assert (daemon.folder / "state" / "postseal.db").stat().st_size < size + 64 * 1024


def split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """Whole netstrings, and what is left."""
    whole = []
    while True:
        length, colon, rest = buffer.partition(b":")
        if not colon or len(rest) < int(length) + 1:
            return whole, buffer
        whole.append(rest[:int(length)])
        buffer = rest[int(length) + 1:]


def test_a_hanging_policy_host_holds_nobody_up(started):
    """It has no place among the active lookups."""
    daemon = started(limits={"lookups": 1, "deadline": "4s"})
    with daemon.connect() as waiting:
        waiting.send(request("postfix", "sts-silent.example"))
        time.sleep(0.5)
        assert_served(daemon, "dane-two.example", KNOWN_REPLY, COLD)
        assert_served(daemon, "hashed.example", "NOTFOUND ", COLD)
        assert waiting.receive() == "NOTFOUND "


def test_rubbish_from_many(started):
    """Each is closed; the log says so once."""
    daemon = started()
    pid = daemon.process.pid
    before = resident(pid)
    for n in range(2000):
        with daemon.connect() as connection:
            connection.send((b"99999999:", b"x", b"5:hello;", b"\0" * 100)[n % 4])
            with contextlib.suppress(Closed, ConnectionError):
                assert connection.is_closed_by_server()
    assert resident(pid) - before < 16 * 1024
    daemon.wait_for_log("malformed-request")
    assert_served(daemon)
    assert daemon.log.read_text(errors="replace").count("malformed-request") == 1


# --- Everybody at once -------------------------------------------------------------------------

WORST = 64  # clients of each protocol


def worst_requests(n: int) -> dict[str, bytes]:
    """What costs most: behind a question that nobody ever answers, the longest replies there are."""
    get = "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    cold, known = f"w{n}.in-flight.example", "sts-one.example"
    recipient = "request=smtpd_access_policy\nrecipient=a@{}\n\n"
    return {
        "socketmap": request("tlsrpt", cold) + 2000 * request("tlsrpt", known),
        "tcp_table": f"get {cold}\n".encode() + 2000 * f"get {known}\n".encode(),
        "delegation": recipient.format(cold).encode() + 500 * recipient.format(known).encode(),
        "http": 200 * (get.format("/metrics") + get.format("/v1/status") + get.format("/")).encode(),
        "admin": 200 * b'{"command":"list","bodies":true}\n{"command":"status"}\n',
    }


def test_the_worst_clients_of_every_protocol_at_once(started, tmp_path):
    """None of them reads. Others are served, and memory stays bounded."""
    sockets = {name: tmp_path / f"{name}.worst" for name in worst_requests(0)}
    daemon = started(listen=[
        {"address": f"unix:{path}", "protocol": name} | (
            {"maps": ["tlsrpt"]} if name == "tcp_table" else {})
        for name, path in sockets.items()
    ])
    for n in range(50):
        daemon.ask(f"n{n}.dane.example")
    daemon.ask("sts-one.example", "tlsrpt")
    pid = daemon.process.pid
    memory, most = resident(pid), 0
    with contextlib.ExitStack() as stack:
        clients = []
        for name, path in sockets.items():
            for n in range(WORST):
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.settimeout(patience(20))
                client.connect(str(path))
                client.setblocking(False)
                clients.append((client, worst_requests(n)[name]))
        for round_ in range(20):
            for n, (client, text) in enumerate(clients):
                with contextlib.suppress(OSError):
                    sent = client.send(text)
                    clients[n] = (client, text[sent:])
            most = max(most, resident(pid) - memory)
            if round_ % 5 == 0:
                assert_served(daemon, limit=5.0)
            time.sleep(0.1)
        assert daemon.tool("stats").returncode == 0
    print(f"\n{WORST} clients of each of {len(sockets)} protocols that do not read: "
          f"{most} KiB more memory")
    assert most < 64 * 1024 * (3 if is_sanitized(daemon) else 1)
    assert_served(daemon, limit=5.0)


def is_sanitized(daemon) -> bool:
    """Its allocator has red zones, and keeps what is freed."""
    with open(f"/proc/{daemon.process.pid}/maps", encoding="utf-8") as maps:
        text = maps.read()
    return "asan" in text or b"__asan_init" in pathlib.Path(program("postseald")).read_bytes()


def test_silent_http_clients_do_not_block_healthz(started, tmp_path):
    path = tmp_path / "http"
    daemon = started(listen=[{"address": f"unix:{path}", "protocol": "http"}])
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(patience(20))
            client.connect(str(path))
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as healthy:
                healthy.settimeout(patience(20))
                begun = time.monotonic()
                healthy.connect(str(path))
                healthy.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert healthy.recv(100).startswith(b"HTTP/1.1 ")
                assert time.monotonic() - begun < patience(AT_ONCE)
