# test_socketmap.py: the protocol, by raw sockets (socketmap_table(5))
# SPDX-License-Identifier: BSD-3-Clause
import socket

import pytest

from postmap import postmap
from socketmap import Closed, netstring, request

DANE = ("dane.example", "OK dane-only")
STS = ("sts-plain.example", "OK secure match=mx.sts-plain.example servername=hostname")
NONE = ("plain.example", "NOTFOUND ")

MALFORMED = {
    "no length": b":postfix dane.example,",
    "not a number": b"abc:postfix dane.example,",
    "a negative length": b"-1:,",
    "a leading zero": b"020:postfix dane.example,",
    "no comma at the end": b"20:postfix dane.example;",
    "too short a length": b"5:postfix dane.example,",
    "a blank before the length": b" 20:postfix dane.example,",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a length of many digits": b"9" * 50,
    "more than 10,000 octets": netstring("postfix " + "a" * 10_000),
}


@pytest.mark.parametrize("key, reply", [DANE, STS, NONE])
@pytest.mark.parametrize("names", [("postfix", "QUERY"), ("tlsrpt", "QUERYwithTLSRPT")])
def test_the_four_maps(daemon, names, key, reply):
    with daemon.connect() as connection:
        first, second = (connection.ask(name, key) for name in names)
    assert first == second
    assert first.startswith(reply)


@pytest.mark.parametrize("key, reply", [
    (DANE[0], "OK enforce"), (STS[0], "OK enforce"), (NONE[0], "OK opportunistic+starttls"),
    ("192.0.2.1", "OK opportunistic+starttls"),
])
def test_requiretls(daemon, key, reply):
    assert daemon.ask(key, "requiretls") == reply


@pytest.mark.parametrize("name", ["query", "Query", "POSTFIX", "querywithtlsrpt", "RequireTLS"])
def test_map_names_fold_case(daemon, postmap_folder, name):
    """As postfix-tlspol does it, whose main.cf files say "query"."""
    known = {"query": "postfix", "querywithtlsrpt": "tlsrpt"}.get(name.lower(), name.lower())
    assert daemon.ask(DANE[0], name) == daemon.ask(DANE[0], known)
    assert postmap(postmap_folder, DANE[0], f"inet:127.0.0.1:{daemon.port}:{name}") in (
        "dane-only", "enforce"
    )


def test_unix_socket(daemon, postmap_folder):
    with daemon.connect_unix() as connection:
        for key, reply in (DANE, STS, NONE):
            assert connection.ask("postfix", key) == reply
    assert postmap(postmap_folder, DANE[0], f"unix:{daemon.unix_socket}:postfix") == "dane-only"


def test_unknown_map(daemon):
    with daemon.connect() as connection:
        reply = connection.ask("nosuchmap", "dane.example")
        assert reply.startswith("PERM ")
        for name in ("postfix", "tlsrpt", "QUERY", "QUERYwithTLSRPT", "requiretls"):
            assert name in reply
        assert connection.ask("postfix", DANE[0]) == DANE[1], "the connection goes on"


def test_empty_key(daemon):
    assert daemon.ask("") == "NOTFOUND "


def test_long_key(daemon):
    assert daemon.ask("a." * 4000 + "example") == "NOTFOUND "


def test_pipelining(daemon):
    asked = [DANE, STS, NONE] * 100
    with daemon.connect() as connection:
        connection.send(b"".join(request("postfix", key) for key, _ in asked))
        for _, reply in asked:
            assert connection.receive() == reply


def test_replies_stay_in_order_behind_a_slow_one(daemon):
    with daemon.connect() as connection:
        connection.send(
            request("postfix", "silent.example") + request("postfix", DANE[0])
            + request("nosuchmap", "x") + request("postfix", NONE[0])
        )
        assert connection.receive() == "OK dane"
        assert connection.receive() == DANE[1]
        assert connection.receive().startswith("PERM ")
        assert connection.receive() == NONE[1]


def test_any_split_of_the_octets(daemon):
    data = request("postfix", DANE[0]) + request("postfix", NONE[0])
    with daemon.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for cut in range(1, len(data)):
            connection.send(data[:cut])
            connection.send(data[cut:])
            assert connection.receive() == DANE[1]
            assert connection.receive() == NONE[1]
        for octet in data:
            connection.send(bytes([octet]))
        assert connection.receive() == DANE[1]
        assert connection.receive() == NONE[1]


@pytest.mark.parametrize("octets", MALFORMED.values(), ids=MALFORMED)
def test_malformed_request_closes_that_connection_only(daemon, octets):
    with daemon.connect() as other, daemon.connect() as rude:
        assert other.ask("postfix", DANE[0]) == DANE[1]
        rude.send(octets)
        assert rude.is_closed_by_server()
        assert other.ask("postfix", DANE[0]) == DANE[1]


def test_what_came_before_the_malformed_is_answered_or_closed(daemon):
    with daemon.connect() as rude:
        rude.send(request("postfix", DANE[0]) + b"nonsense")
        try:
            assert rude.receive() == DANE[1]
        except Closed:
            return
        assert rude.is_closed_by_server()


def test_client_that_leaves_in_the_middle(daemon):
    for data in (b"2", b"20:postf", request("postfix", "silent.example")):
        daemon.connect().send(data)
    assert daemon.ask(DANE[0]) == DANE[1]


def test_many_connections(daemon):
    connections = [daemon.connect() for _ in range(200)]
    try:
        for connection in connections:
            connection.send(request("postfix", DANE[0]))
        assert {connection.receive() for connection in connections} == {DANE[1]}
    finally:
        for connection in connections:
            connection.close()


def test_client_that_does_not_read(daemon):
    """It is not read from, the others are served, and in the end it gets every reply."""
    octets = request("tlsrpt", STS[0]) * 200
    sent = 0
    with daemon.connect_unix() as deaf:  # small buffers
        deaf.socket.settimeout(2)
        try:
            for _ in range(500):
                deaf.send(octets)
                sent += 200
        except TimeoutError:
            pass
        assert sent < 500 * 200, "back-pressure: a client that does not read is not read from"
        assert daemon.ask(DANE[0]) == DANE[1]
        deaf.socket.settimeout(20)
        for _ in range(sent):
            assert deaf.receive().startswith(STS[1])


def test_a_connection_lives_on(daemon):
    with daemon.connect() as connection:
        for _ in range(1000):
            assert connection.ask("postfix", DANE[0]) == DANE[1]
