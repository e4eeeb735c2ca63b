# test_threads.py: several serving threads are one daemon
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import signal
import socket
import time

import pytest

from daemon import program
from relentless import ANSWERS, Clients
from socketmap import request
from world.processes import run

THREADS = 2
UNAVAILABLE = 69


@pytest.fixture
def daemon_of_two(new_daemon):
    daemon = new_daemon()
    daemon.settings["threads"] = THREADS
    daemon.write_configuration(daemon.settings)
    return daemon


@pytest.fixture
def running(daemon_of_two):
    daemon_of_two.start()
    return daemon_of_two


def threads_of(daemon) -> int:
    return len(list(pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir()))


def reload(daemon, **changes) -> None:
    daemon.write_configuration(daemon.with_settings(**changes))
    assert daemon.admin("reload")["ok"]


def test_there_is_one_more(new_daemon, running):
    alone = new_daemon()
    alone.start()
    for daemon in (alone, running):
        assert daemon.ask("dane.example") == "OK dane-only"  # all of its threads are at work
    assert threads_of(running) == threads_of(alone) + THREADS - 1


def test_every_thread_answers_and_all_is_counted_together(running):
    connections = [connect() for connect in (running.connect, running.connect_unix) * 4]
    # An answer may be given before the lookup behind it has ended; then it is in memory.
    for key, answer in ANSWERS.items():
        assert connections[0].ask("postfix", key) == answer
    running.settle()
    for key, answer in ANSWERS.items():
        for connection in connections[1:]:
            assert connection.ask("postfix", key) == answer
    status = running.status()
    asked = len(ANSWERS) * len(connections)
    assert status["queries"]["protocols"]["socketmap"] == asked
    assert status["queries"]["lookup"] == len(ANSWERS)
    assert status["queries"]["memory"] == asked - len(ANSWERS)
    assert status["connections"] - len(connections) in (0, 1)  # who asks for the status
    for connection in connections:
        connection.close()


def test_order_is_kept_on_every_thread(running):
    for connection in (running.connect(), running.connect(), running.connect()):
        keys = ["sts-two.example", "dane.example", "plain.example", ".dane.example"]
        connection.send(b"".join(request("postfix", key) for key in keys))
        replies = [connection.receive() for _ in keys]
        assert replies[0].startswith("OK secure match=")
        assert replies[1:] == ["OK dane-only", "NOTFOUND ", "NOTFOUND "]
        connection.close()


def test_reload_counts_for_connections_of_every_thread(running):
    connections = [running.connect() for _ in range(4)]
    for level in ("encrypt", "may", "dane"):
        reload(running, map=[{"name": "postfix", "no_policy": level}])
        for connection in connections:
            assert connection.ask("postfix", "plain.example") == f"OK {level}"
    listen = [{**entry, "maps": ["tlsrpt"]} if entry["protocol"] == "socketmap" else entry
              for entry in running.settings["listen"]]
    reload(running, listen=listen)
    for connection in connections:
        assert connection.ask("postfix", "plain.example").startswith("PERM ")
        connection.close()


def test_right_answers_under_load_while_all_is_replaced(running):
    """The maps change and answers are looked up again; four clients ask on."""
    with Clients(running.connect, running.connect_unix) as clients:
        for n in range(30):
            reload(running, map=[{"name": f"map{n % 3}", "form": "tlsrpt", "no_policy": "may"}],
                   cache={"memory": "1M"})
            clients.wait_for_answers()
            if n % 10 == 0:
                for key in ANSWERS:
                    running.tool("refresh", key)
        clients.wait_for_answers()
    assert clients.failures() == []
    assert clients.answered() > 100  # 30 times one of each


def test_take_over_and_the_end_refuse_no_query(daemon_of_two):
    """From one thread to two and back; each successor has its own number."""
    daemon = daemon_of_two
    daemon.start()
    with Clients(daemon.connect, daemon.connect_unix) as clients:
        for threads in (1, 2, 3, 2):
            daemon.write_configuration(daemon.with_settings(threads=threads))
            daemon.take_over()
            clients.wait_for_answers()
    assert clients.failures() == []
    with daemon.connect() as idle, daemon.connect() as busy, daemon.connect() as asking:
        assert idle.ask("postfix", "dane.example") == "OK dane-only"
        busy.send(request("postfix", "sts-slow.example"))
        asking.send(request("postfix", "dane.example"))
        start = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert asking.receive() == "OK dane-only"
        assert daemon.process.wait(20) == 0
        assert time.monotonic() - start < 5
        assert idle.is_closed_by_server()


def test_a_second_daemon_does_not_share_the_port(running, new_daemon):
    second = new_daemon()
    listen = [{"address": f"inet:127.0.0.1:{running.port}", "protocol": "socketmap"}]
    second.write_configuration(second.with_settings(threads=THREADS, listen=listen))
    result = run([program("postseald"), "--config", str(second.configuration)], timeout=20)
    assert result.returncode == UNAVAILABLE
    assert "in use" in result.stderr


def test_malformed_requests_are_logged_once_a_client(running):
    for _ in range(4):
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as client:
            client.sendall(b"x")
            assert client.recv(1) == b""
    running.wait_for_log("malformed-request")
    assert running.ask("dane.example") == "OK dane-only"
    assert running.log.read_text().count("malformed-request") == 1
