# test_ending.py: the end, a reload and a take-over, with clients of every protocol in every phase
#
# The daemon is stopped (SIGSTOP) while requests and the order to end are sent, so that it finds
# all of them at once when it goes on. A debug build reports what is used after its end.
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import json
import signal
import socket
import time

import pytest

from daemon import PATIENCE
from socketmap import request
from world import processes

ROUNDS = 5
UNAVAILABLE = 69
OF_EACH = 6  # connections of a kind


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("ascii")


def line(command: str, **members) -> bytes:
    return json.dumps({"command": command, **members}).encode("ascii") + b"\n"


def delegation(domain: str) -> bytes:
    return f"request=smtpd_access_policy\nrecipient=a@{domain}\n\n".encode("ascii")


# By protocol: requests that are answered soon, and one that waits for a lookup.
REQUESTS = {
    "socketmap": ([request("postfix", "dane.example"), request("none", "x")],
                  request("postfix", "sts-slow.example")),
    "tcp_table": ([b"get dane.example\n", b"put a b\n"], b"get sts-slow.example\n"),
    "delegation": ([delegation("dane.example")], delegation("sts-slow.example")),
    "http": ([get("/metrics"), get("/v1/status"), get("/healthz"), get("/"),
              get("/v1/policy/dane.example")], get("/v1/policy/sts-slow.example")),
    "admin": ([line("status"), line("list"), line("show", key="dane.example"), line("reload"),
               line("reload-overrides"), line("hand-over"), line("give-way"),
               line("refresh", key="dane.example"), line("forget", key="dane.example")],
              line("explain", key="sts-slow.example")),
}
CHANGES_NOTHING = [name for name in REQUESTS["admin"][0]
                   if not any(word in name for word in (b"give-way", b"hand-over", b"reload"))]


@pytest.fixture
def everything(new_daemon):
    """A daemon that speaks every protocol, with two threads."""
    daemon = new_daemon()
    sockets = {name: daemon.folder / f"{name}.sock" for name in REQUESTS}
    sockets |= {"socketmap": daemon.unix_socket, "admin": daemon.folder / "admin.sock"}
    more = [{"address": f"unix:{sockets[name]}", "protocol": name}
            for name in ("tcp_table", "delegation", "http")]
    more[0]["maps"] = ["postfix"]
    daemon.settings["listen"] += more
    daemon.settings["threads"] = 2
    daemon.write_configuration(daemon.settings)
    daemon.sockets = sockets
    daemon.start()
    assert daemon.ask("dane.example") == "OK dane-only"
    return daemon


def connect(daemon, protocol: str) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect(str(daemon.sockets[protocol]))
    return client


class Crowd:
    """Clients in every phase of a request."""

    def __init__(self, daemon, stack: contextlib.ExitStack, admin=None) -> None:
        self.waiting = []  # (client, request): to be sent while the daemon is stopped
        for protocol, (soon, late) in REQUESTS.items():
            if protocol == "admin" and admin is not None:
                soon = admin
            for _ in range(OF_EACH):
                stack.enter_context(connect(daemon, protocol))  # says nothing
            for question in soon:
                client = stack.enter_context(connect(daemon, protocol))
                client.sendall(question[:len(question) // 2])
                for _ in range(OF_EACH):
                    self.waiting.append(
                        (stack.enter_context(connect(daemon, protocol)), question))
                unread = stack.enter_context(connect(daemon, protocol))
                if not any(word in question for word in (b"give-way", b"hand-over", b"reload")):
                    unread.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        for _ in range(30):
                            unread.send(question)
            client = stack.enter_context(connect(daemon, protocol))
            client.sendall(late)
            self.waiting.append((stack.enter_context(connect(daemon, protocol)), late))
            self.waiting.append((client, soon[0]))  # behind one that waits for a lookup

    def ask(self) -> None:
        for client, question in self.waiting:
            with contextlib.suppress(OSError):
                client.sendall(question)


def start_again(daemon) -> None:
    if daemon.process is None:
        daemon.start()
    assert daemon.ask("dane.example") == "OK dane-only"  # the last listener is there, too


def wait_for_end(process) -> None:
    # A sanitizer's report takes its time.
    assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("asked_first", [True, False])
def test_ends_in_order(everything, asked_first):
    """SIGTERM and requests of every kind at the same moment."""
    for _ in range(ROUNDS):
        start_again(everything)
        with contextlib.ExitStack() as stack:
            crowd = Crowd(everything, stack)
            time.sleep(0.1)
            process = everything.process
            process.send_signal(signal.SIGSTOP)
            if asked_first:
                crowd.ask()
            process.send_signal(signal.SIGTERM)
            if not asked_first:
                crowd.ask()
            process.send_signal(signal.SIGCONT)
            wait_for_end(process)
            everything.process = None


def test_ends_while_it_reloads(everything):
    """SIGHUP just before and just after SIGTERM: nothing is bound any more, no file is left."""
    process = everything.process
    with contextlib.ExitStack() as stack:
        crowd = Crowd(everything, stack)
        process.send_signal(signal.SIGSTOP)
        crowd.ask()
        for number in (signal.SIGHUP, signal.SIGTERM):
            process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        while process.poll() is None:
            process.send_signal(signal.SIGHUP)
            time.sleep(0.001)
        wait_for_end(process)
        everything.process = None
    assert not [path for path in everything.sockets.values() if path.exists()]


def test_gives_way_in_order(everything):
    """A successor's order among the requests of everybody else."""
    for _ in range(ROUNDS):
        start_again(everything)
        with contextlib.ExitStack() as stack:
            crowd = Crowd(everything, stack, CHANGES_NOTHING)
            successor = stack.enter_context(connect(everything, "admin"))
            time.sleep(0.1)
            process = everything.process
            process.send_signal(signal.SIGSTOP)
            crowd.ask()
            successor.sendall(line("give-way"))
            process.send_signal(signal.SIGCONT)
            assert successor.recv(100) == b'{"ok":true}\n', everything.log_text()
            wait_for_end(process)
            everything.process = None


def test_reload_in_order(everything):
    """Listeners come and go while their clients ask: who stays is answered."""
    all_of_them = everything.settings["listen"]
    for round_ in range(ROUNDS * 2):
        with contextlib.ExitStack() as stack:
            everything.write_configuration(everything.settings)
            assert everything.tool("reload").returncode == 0
            crowd = Crowd(everything, stack, CHANGES_NOTHING)
            kept = [one for n, one in enumerate(all_of_them)
                    if n < 3 or (n + round_) % 3 == 0]
            everything.write_configuration(everything.with_settings(listen=kept))
            process = everything.process
            process.send_signal(signal.SIGSTOP)
            crowd.ask()
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGCONT)
            assert everything.ask("dane.example") == "OK dane-only"
            everything.wait_for_log("info reloaded", times=2 * round_ + 2)
        assert process.poll() is None, everything.log_text()
    assert everything.stop() == 0


def test_takes_over_in_order(everything):
    """A real successor, while clients of every protocol ask."""
    for _ in range(ROUNDS):
        with contextlib.ExitStack() as stack:
            crowd = Crowd(everything, stack, CHANGES_NOTHING)
            crowd.ask()
            everything.take_over()
            assert everything.ask("dane.example") == "OK dane-only"
    assert everything.stop() == 0


# --- A predecessor that dies -------------------------------------------------------------------

class DyingDaemon:
    """Listens as a daemon's admin socket does, and ends in the middle of a take-over."""

    def __init__(self, path, script: str) -> None:
        program = f"""
import array, json, os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind({str(path)!r})
listener.listen()
print("ready", flush=True)
client, _ = listener.accept()
client.recv(1000)
def hand_over(process=os.getpid()):
    fds = array.array("i", [os.pidfd_open(process), listener.fileno()])
    client.sendmsg([b'{{"ok":true}}\\n'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
{script}
os._exit(1)
"""
        self.process = processes.start(["/usr/bin/python3", "-c", program], path.parent / "dying")
        end = time.monotonic() + PATIENCE
        while "ready" not in (path.parent / "dying").read_text():
            assert time.monotonic() < end
            time.sleep(0.01)


@pytest.mark.parametrize("script", [
    "",  # before it has said anything
    "client.sendall(b'{\"ok\"')",  # in the middle of a word
    "hand_over()",  # at once after it has handed over
    "hand_over(os.getppid())",  # says that it is another process, which goes on
    "hand_over(); client.recv(1000)",  # told to give way, it dies of it
    "hand_over(); client.recv(1000); client.close(); import time; time.sleep(1)",
])
def test_a_predecessor_that_dies_is_one_that_has_ended(new_daemon, script):
    daemon = new_daemon()
    dying = DyingDaemon(daemon.folder / "admin.sock", script)
    daemon.process = processes.start(daemon.command("--take-over"), daemon.log)
    daemon.wait_for_log("info started")  # the last listener is there, too
    assert daemon.ask("dane.example") == "OK dane-only"
    assert daemon.status()["queries"]["total"] > 0
    dying.process.wait(PATIENCE)
    assert daemon.stop() == 0


@pytest.mark.parametrize("script", [
    "while True: client.sendall(b'x' * 65536)",
    "while True: client.sendall(b'x'); import time; time.sleep(0.0001)",
    "client.sendall(b'[' * 16000 + b'\\n'); client.recv(1000)",
])
def test_what_speaks_without_end_is_no_predecessor(new_daemon, script):
    daemon = new_daemon()
    speaker = DyingDaemon(daemon.folder / "admin.sock", script)
    process = processes.start(daemon.command("--take-over"), daemon.log)
    assert process.wait(PATIENCE) == UNAVAILABLE
    assert "does not hand over: it is not postseald" in daemon.log_text()
    speaker.process.wait(PATIENCE)  # its client has gone


def test_a_predecessor_is_killed_while_it_is_taken_over(everything):
    """By SIGKILL, at any moment of it."""
    for n in range(8):
        first = everything.process
        everything.process = processes.start(everything.command("--take-over"), everything.log)
        time.sleep(0.02 * n)
        first.kill()
        first.wait(PATIENCE)
        everything.wait_until_listening()
        end = time.monotonic() + PATIENCE
        while not everything.tool("stats").returncode == 0:
            assert time.monotonic() < end and everything.process.poll() is None
        assert everything.ask("dane.example") == "OK dane-only"
    assert everything.stop() == 0
