# test_tcp_table.py: the protocol, by raw sockets and by the tcp: client of real Postfix (tcp_table(5))
# SPDX-License-Identifier: BSD-3-Clause
import socket

import pytest

from daemon import Daemon
from postmap import postmap
from table import NOT_FOUND, TEMP

PORTS = {"postfix": 8701, "tlsrpt": 8702, "strict": 8703}
STS = "secure match=mx.sts-plain.example servername=hostname"

KEYS = {
    "dane.example": "dane-only",
    "DANE.example": "dane-only",
    "sts-plain.example": STS,
    "plain.example": NOT_FOUND,
    ".dane.example": NOT_FOUND,
    "[192.0.2.1]": NOT_FOUND,
    "[mx.dane.example]:587": "dane-only",
    "b\u00fccher.example": "dane-only",
    "bogus.example": TEMP,
}

MALFORMED = {
    "another word": b"delete dane.example\n",
    "large letters": b"GET dane.example\n",
    "no key": b"get\n",
    "a space in the key": b"get dane example\n",
    "a bad code": b"get %zz\n",
    "a carriage return": b"get dane.example\r\n",
    "a line without end": b"get " + b"a" * 4096,
    "socketmap": b"20:postfix dane.example,",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.fixture(scope="module")
def tcp(world, programs, tmp_path_factory):
    listeners = [
        {"address": f"inet:127.0.0.1:{port}", "protocol": "tcp_table", "maps": [name]}
        for name, port in PORTS.items()
    ]
    del listeners[0]["maps"]  # postfix is the default
    maps = [{"name": "strict", "no_policy": "encrypt"}]
    folder = tmp_path_factory.mktemp("tcp_table")
    with Daemon(world, folder, 8700, listen=listeners, map=maps) as daemon_:
        yield daemon_


def lines(connection: socket.socket, count: int) -> list[bytes]:
    with connection.makefile("rb") as file:
        return [file.readline() for _ in range(count)]


@pytest.mark.parametrize("key, policy", KEYS.items())
def test_postmap(tcp, postmap_folder, key, policy):
    assert postmap(postmap_folder, key, f"tcp:127.0.0.1:{PORTS['postfix']}") == policy


def test_postmap_with_tls_reports(tcp, postmap_folder):
    """Blanks and braces come through as they do over socketmap."""
    policy = postmap(postmap_folder, "sts-plain.example", f"tcp:127.0.0.1:{PORTS['tlsrpt']}")
    assert policy.startswith(STS + " policy_type=sts ")
    assert "{ policy_string = version: STSv1 }" in policy
    assert policy == tcp.ask("sts-plain.example", "tlsrpt").removeprefix("OK ")


def test_another_map(tcp, postmap_folder):
    assert postmap(postmap_folder, "plain.example", f"tcp:127.0.0.1:{PORTS['strict']}") == "encrypt"


def test_temporary_failure(tcp):
    """Closes nothing on our side."""
    with tcp.connect_to(PORTS["postfix"]) as connection:
        connection.sendall(b"get bogus.example\nget dane.example\n")
        failure, answer = lines(connection, 2)
    assert failure.startswith(b"400 ") and b"bogus.example" in failure
    assert b" " not in failure[4:] and failure.isascii()
    assert answer == b"200 dane-only\n"


def test_update_is_refused(tcp):
    with tcp.connect_to(PORTS["postfix"]) as connection:
        connection.sendall(b"put dane.example none\nget dane.example\n")
        refused, answer = lines(connection, 2)
    assert refused.startswith(b"500 ")
    assert answer == b"200 dane-only\n"


def test_pipelining_behind_a_slow_one(tcp):
    with tcp.connect_to(PORTS["postfix"]) as connection:
        connection.sendall(b"get silent.example\n" + b"get dane.example\nget plain.example\n" * 50)
        replies = lines(connection, 101)
    assert replies == [b"200 dane\n"] + [b"200 dane-only\n", b"500 no%20policy\n"] * 50


@pytest.mark.parametrize("octets", MALFORMED.values(), ids=MALFORMED)
def test_malformed_request_closes_that_connection_only(tcp, octets):
    with tcp.connect_to(PORTS["postfix"]) as other, tcp.connect_to(PORTS["postfix"]) as rude:
        rude.sendall(octets)
        assert rude.recv(1) == b""
        other.sendall(b"get dane.example\n")
        assert lines(other, 1) == [b"200 dane-only\n"]
