# test_restart.py: a restart that no client notices
# SPDX-License-Identifier: BSD-3-Clause
import os
import re
import signal
import socket
import time

import pytest

from daemon import program
from relentless import Clients
from service_manager import ServiceManager
from world import processes
from world.processes import run

RESTARTS = 10
UNAVAILABLE = 69


def has_systemd() -> bool:
    return "libsystemd" in run(["ldd", program("postseald")]).stdout


@pytest.fixture
def managed(new_daemon, tmp_path):
    """A daemon and its service manager, which has not started it."""
    if not has_systemd():
        pytest.skip("POSTSEALD WAS BUILT WITHOUT LIBSYSTEMD")
    daemon = new_daemon()
    with ServiceManager(tmp_path, daemon.command(), daemon.log, watchdog=1.0) as manager:
        yield daemon, manager


# --- Without a service manager ---------------------------------------------------------------

def test_a_plain_restart_is_noticed(new_daemon):
    """The control: these clients can fail."""
    daemon = new_daemon()
    daemon.start()
    with Clients(daemon.connect, daemon.connect_unix) as clients:
        daemon.restart()
        clients.wait_for_answers()
    assert any("refused" in failure for failure in clients.failures())


def test_take_over_fails_no_query(new_daemon):
    daemon = new_daemon()
    daemon.start()
    with Clients(daemon.connect, daemon.connect_unix) as clients:
        for _ in range(RESTARTS):
            daemon.take_over()
            clients.wait_for_answers()
    assert clients.failures() == []
    assert daemon.status()["queries"]["total"] > 0
    daemon.stop()
    assert not daemon.unix_socket.exists()


def test_take_over_where_nobody_is(new_daemon):
    daemon = new_daemon()
    daemon.process = processes.start(daemon.command("--take-over"), daemon.log)
    daemon.wait_until_listening()
    assert daemon.ask("dane.example") == "OK dane-only"


def test_take_over_with_another_configuration(new_daemon):
    """What is new is bound, what is not wanted any more is closed."""
    daemon = new_daemon()
    daemon.start()
    first, second = daemon.folder / "first.sock", daemon.folder / "second.sock"
    listen = daemon.settings["listen"]
    for extra in (first, second):
        daemon.write_configuration(daemon.with_settings(
            listen=[*listen, {"address": f"unix:{extra}", "protocol": "socketmap"}]
        ))
        daemon.take_over()
        daemon.ask("dane.example")
    assert second.exists() and not first.exists()


def test_take_over_that_fails_leaves_the_first_at_work(new_daemon):
    daemon = new_daemon()
    daemon.start()
    with daemon.connect() as kept:
        assert kept.ask("postfix", "dane.example") == "OK dane-only"
        for change in (
            {"dns": {"trust_anchor": ["/nonexistent"]}},
            {"https": {"ca_file": "/nonexistent"}},
            {"listen": [*daemon.settings["listen"],
                        {"address": "unix:/nonexistent/s", "protocol": "socketmap"}]},
        ):
            daemon.write_configuration(daemon.with_settings(**change))
            result = run(daemon.command("--take-over"))
            assert result.returncode > 0
            assert "/nonexistent" in result.stderr
        assert kept.ask("postfix", "dane.example") == "OK dane-only"
    assert daemon.process.poll() is None
    assert daemon.unix_socket.exists()


# --- With one --------------------------------------------------------------------------------

def test_restart_fails_no_query(managed):
    daemon, manager = managed
    manager.start()
    assert len(manager.stored) == len(daemon.settings["listen"])
    with Clients(daemon.connect, daemon.connect_unix) as clients:
        for _ in range(RESTARTS):
            manager.restart()
            clients.wait_for_answers()
    assert clients.failures() == []
    assert all(len(fds) == 1 for fds in manager.stored.values()), "each is stored once"


def test_socket_activation(managed):
    """Sockets are known by their address, whatever their order and name."""
    daemon, manager = managed
    with socket.create_server(("127.0.0.1", daemon.port)) as tcp, \
            socket.create_server(("127.0.0.1", 0)) as unwanted, \
            socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(daemon.unix_socket))
        unix.listen()
        os.chmod(daemon.unix_socket, 0o660)
        manager.sockets = [("b", unwanted.fileno()), ("a", unix.fileno()), ("c", tcp.fileno())]
        # Before it is started: the question waits.
        with daemon.connect() as early:
            manager.start()
            assert early.ask("postfix", "dane.example") == "OK dane-only"
        with daemon.connect_unix() as connection:
            assert connection.ask("postfix", "dane.example") == "OK dane-only"
        assert f"127.0.0.1:{unwanted.getsockname()[1]}" in daemon.log_text()
        assert [name for name in manager.stored if "admin" not in name] == []
        manager.stop()
        assert daemon.unix_socket.exists(), "it is the manager's"


def test_socket_whose_file_is_gone_is_bound_anew(managed):
    daemon, manager = managed
    manager.start()
    manager.stop()
    daemon.unix_socket.unlink()
    manager.start()
    with daemon.connect_unix() as connection:
        assert connection.ask("postfix", "dane.example") == "OK dane-only"


def test_notifications(managed):
    daemon, manager = managed
    begun = time.monotonic()
    manager.start()
    ready = manager.wait_for("READY=1", begun)
    assert re.search(r"^STATUS=3 listeners, \d+ domains in memory$", ready, flags=re.MULTILINE)

    begun = time.monotonic()
    assert daemon.tool("reload").returncode == 0
    texts = [text for text in manager.messages(begun)
             if not text.startswith(("WATCHDOG=", "STATUS="))]
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", texts[0])
    assert texts[1].startswith("READY=1\n")

    daemon.configuration.write_text("nonsense = 1\n", encoding="ascii")
    begun = time.monotonic()
    manager.process.send_signal(signal.SIGHUP)
    assert "reload failed" in manager.wait_for("READY=1", begun)

    begun = time.monotonic()
    manager.stop()
    assert any("STOPPING=1" in text for text in manager.messages(begun))


def test_reload_changes_what_is_stored(managed):
    daemon, manager = managed
    manager.start()
    listen = daemon.settings["listen"]
    extra = {"address": f"unix:{daemon.folder}/extra.sock", "protocol": "socketmap"}
    for wanted, number in (([*listen, extra], 4), (listen, 3)):
        daemon.write_configuration(daemon.with_settings(listen=wanted))
        assert daemon.tool("reload").returncode == 0
        end = time.monotonic() + 10
        while len(manager.stored) != number and time.monotonic() < end:
            time.sleep(0.01)
        assert len(manager.stored) == number


def test_watchdog_is_fed_while_it_lives(managed):
    daemon, manager = managed  # WatchdogSec=1
    manager.start()
    daemon.ask("dane.example")

    def fed(span: float) -> int:
        begun = time.monotonic()
        time.sleep(span)
        return sum("WATCHDOG=1" in text for text in manager.messages(begun))

    assert 5 <= fed(5) <= 11
    manager.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(0.2)
        assert fed(2) == 0
    finally:
        manager.process.send_signal(signal.SIGCONT)
    assert fed(2) >= 2


def test_no_hand_over_behind_the_managers_back(managed):
    daemon, manager = managed
    manager.start()
    result = run(daemon.command("--take-over"))
    assert result.returncode == UNAVAILABLE
    assert "systemctl restart" in result.stderr
    assert daemon.ask("dane.example") == "OK dane-only"
