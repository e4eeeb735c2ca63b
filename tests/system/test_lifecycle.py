# test_lifecycle.py: start, faults at start, end
# SPDX-License-Identifier: BSD-3-Clause
import signal
import socket
import time

import pytest

from daemon import program
from socketmap import Closed, request
from world.processes import run

CONFIG = 78


def refusal(daemon, status: int | None = CONFIG) -> str:
    """What postseald says, last of all, when it does not start."""
    result = run([program("postseald"), "--config", str(daemon.configuration)], timeout=20)
    if status is None:
        assert result.returncode > 0
    else:
        assert result.returncode == status, (result.returncode, result.stderr)
    assert "terminate called" not in result.stderr
    return result.stderr.strip().splitlines()[-1]


# --- Configuration errors: file, line, key and fix ----------------------------------------

FAULTS = {
    "unknown key": ('[dns]\ntiemout = "8s"\n', 2, "tiemout", "timeout"),
    "unknown table": ('state_dir = "/tmp"\n[dsn]\n', 2, "dsn", "dns"),
    "unknown key at the top": ('\n\nstate_dri = "/tmp"\n', 3, "state_dri", "state_dir"),
    "not a string": ("state_dir = 5\n", 1, "state_dir", "string"),
    "not a number": ('[limits]\nconnections = "many"\n', 2, "connections", "number|integer"),
    "not a boolean": ('[https]\nallow_private = "no"\n', 2, "allow_private", "true|false|boolean"),
    "no duration": ('[dns]\ntimeout = "soon"\n', 2, "timeout", "8s|seconds|duration"),
    "no address": ('[[listen]]\naddress = "127.0.0.1"\n', 2, "address", "inet:"),
    "no protocol": (
        '[[listen]]\naddress = "inet:127.0.0.1:1"\nprotocol = "smtp"\n',
        3, "protocol", "socketmap",
    ),
    "not TOML": ("[dns\n", 1, "", ""),
}


@pytest.mark.parametrize("text, line, key, fix", FAULTS.values(), ids=FAULTS)
def test_configuration_error(new_daemon, text, line, key, fix):
    daemon = new_daemon()
    daemon.configuration.write_text(text, encoding="ascii")
    message = refusal(daemon)
    assert f"{daemon.configuration}:{line}" in message
    assert key in message
    assert any(word in message for word in fix.split("|")), message


def test_missing_configuration_file(new_daemon):
    daemon = new_daemon()
    daemon.configuration.unlink()
    assert str(daemon.configuration) in refusal(daemon)


def test_check_says_yes_and_starts_nothing(new_daemon):
    daemon = new_daemon()
    result = run([program("postseald"), "--config", str(daemon.configuration), "--check"])
    assert result.returncode == 0, result.stderr


def test_version(programs):
    result = run([program("postseald"), "--version"])
    assert result.returncode == 0
    for library in ("postseald", "unbound", "GnuTLS", "SQLite", "libuv"):
        assert library.lower() in result.stdout.lower()


# --- What the machine does not give ----------------------------------------------------------

def test_unreadable_trust_anchor(new_daemon, tmp_path):
    missing = tmp_path / "no-such.key"
    message = refusal(new_daemon(dns={"trust_anchor": [str(missing)]}), None)
    assert str(missing) in message


def test_trust_anchor_that_is_none(new_daemon, tmp_path):
    garbage = tmp_path / "garbage.key"
    garbage.write_text("this is not a trust anchor\n", encoding="ascii")
    message = refusal(new_daemon(dns={"trust_anchor": [str(garbage)]}), None)
    assert str(garbage) in message


def test_unwritable_state_folder(new_daemon, tmp_path):
    file = tmp_path / "file"
    file.touch()
    daemon = new_daemon()
    for folder in (file / "below-a-file", "/proc/postseal"):
        daemon.write_configuration(daemon.with_settings(state_dir=str(folder)))
        assert str(folder) in refusal(daemon, None)


def test_missing_ca_file(new_daemon, tmp_path):
    missing = tmp_path / "no-such-ca.pem"
    assert str(missing) in refusal(new_daemon(https={"ca_file": str(missing)}), None)


def test_port_in_use(new_daemon):
    daemon = new_daemon()
    with socket.create_server(("127.0.0.1", daemon.port)):
        message = refusal(daemon, None)
    assert f"127.0.0.1:{daemon.port}" in message
    assert "in use" in message


def test_second_daemon_leaves_the_first_alone(daemon, new_daemon):
    second = new_daemon()
    second.write_configuration(second.with_settings(
        listen=[{"address": f"unix:{daemon.unix_socket}", "protocol": "socketmap"}]
    ))
    assert str(daemon.unix_socket) in refusal(second, None)
    with daemon.connect_unix() as connection:
        assert connection.ask("postfix", "dane.example") == "OK dane-only"


def test_socket_left_behind_is_replaced(new_daemon):
    daemon = new_daemon()
    daemon.start()
    daemon.process.kill()
    daemon.process.wait()
    assert daemon.unix_socket.exists()
    daemon.start()
    with daemon.connect_unix() as connection:
        assert connection.ask("postfix", "dane.example") == "OK dane-only"


# --- The end ---------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_within_a_second(new_daemon, number):
    """With queries in flight: each is answered or its connection closed."""
    daemon = new_daemon()
    durations = []
    for _ in range(3):  # the best of three: the machine may be busy
        daemon.start()
        idle, busy = daemon.connect(), daemon.connect()
        assert idle.ask("postfix", "dane.example") == "OK dane-only"
        busy.send(request("postfix", "in-flight.example") + request("postfix", "dane.example"))
        time.sleep(0.5)
        start = time.monotonic()
        daemon.process.send_signal(number)
        status = daemon.process.wait(20)
        durations.append(time.monotonic() - start)
        assert status == 0, daemon.log_text()
        assert idle.is_closed_by_server()
        try:
            assert busy.receive().startswith(("OK ", "TEMP ", "NOTFOUND "))
        except Closed:
            pass
        idle.close()
        busy.close()
        if durations[-1] <= 1.0:
            return
    pytest.fail(f"took {durations} seconds")


def test_ends_within_a_second_while_fetching(new_daemon):
    daemon = new_daemon()
    durations = []
    for _ in range(3):
        daemon.start()
        with daemon.connect() as busy:
            busy.send(request("postfix", "sts-slow.example"))
            time.sleep(0.5)
            start = time.monotonic()
            assert daemon.stop() == 0
            durations.append(time.monotonic() - start)
        if durations[-1] <= 1.0:
            return
    pytest.fail(f"took {durations} seconds")


def test_sockets_are_gone_at_the_end(new_daemon):
    daemon = new_daemon()
    daemon.start()
    daemon.stop()
    assert not daemon.unix_socket.exists()
