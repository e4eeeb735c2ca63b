# daemon.py: a real postseald with its configuration, and the real postseal beside it
#
# The programs are those of the folder that the environment variable POSTSEAL_BUILD names (default:
# build, at the top of the project). POSTSEAL_DAEMON_UNDER is a command that the daemon runs under.
# SPDX-License-Identifier: BSD-3-Clause
import copy
import json
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import time

from socketmap import Connection
from world import World, processes
from world.processes import run

PROJECT = pathlib.Path(__file__).resolve().parents[2]
UNDER = shlex.split(os.environ.get("POSTSEAL_DAEMON_UNDER", ""))
PATIENCE = 120 if UNDER else 20  # seconds: a debug build on a busy machine


def build_folder() -> pathlib.Path:
    return (PROJECT / os.environ.get("POSTSEAL_BUILD", "build")).resolve()


def program(name: str) -> str:
    return str(build_folder() / name)


def preloaded(library: pathlib.Path | str, *variables: str) -> list[str]:
    """What goes before a command."""
    # GCC's AddressSanitizer is a library, too, and would insist on being the first.
    sanitizer = f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"
    return ["env", f"LD_PRELOAD={library}", f"ASAN_OPTIONS={sanitizer}", *variables]


def to_toml(settings: dict) -> str:
    """Tables, arrays of tables, and values that JSON writes as TOML does."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()
             if not _is_table(value)]
    for key, value in settings.items():
        for table in value if isinstance(value, list) and _is_table(value) else [value]:
            if isinstance(table, dict):
                lines.append(f"[[{key}]]" if isinstance(value, list) else f"[{key}]")
                lines += [f"{name} = {json.dumps(item)}" for name, item in table.items()]
    return "\n".join(lines) + "\n"


def _is_table(value) -> bool:
    return isinstance(value, dict) or isinstance(value, list) and any(
        isinstance(item, dict) for item in value
    )


class Daemon:
    """postseald on 127.0.0.1:`port` and on unix sockets in `folder`.

    Sections are added to the configuration: a table, or a list of tables.
    """

    def __init__(self, world: World, folder: pathlib.Path, port: int,
                 **sections: dict | list) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = port
        self.unix_socket = folder / "socketmap.sock"
        self.configuration = folder / "postseal.toml"
        self.log = folder / "log"
        self.settings = {
            "state_dir": str(folder / "state"),
            "listen": [
                {"address": f"inet:127.0.0.1:{port}", "protocol": "socketmap"},
                {"address": f"unix:{self.unix_socket}", "protocol": "socketmap"},
                {"address": f"unix:{folder / 'admin.sock'}", "protocol": "admin"},
            ],
            "dns": {
                "trust_anchor": [str(world.trust_anchor)],
                "root_hints": str(world.root_hints),
                "private_name_servers": ["127.0.0.0/8"],
            },
            "https": {"ca_file": str(world.ca_file), "allow_private": True},
            "log": {"level": "debug"},
        }
        for name, section in sections.items():
            if isinstance(section, list):
                self.settings.setdefault(name, []).extend(section)
            else:
                self.settings.setdefault(name, {}).update(section)
        (folder / "state").mkdir(exist_ok=True)
        self.write_configuration(self.settings)
        self.process: subprocess.Popen | None = None
        self.enter_command: list[str] = []  # put before the daemon's

    def write_configuration(self, settings: dict) -> None:
        self.configuration.write_text(to_toml(settings), encoding="utf-8")

    def __enter__(self) -> "Daemon":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def command(self, *options: str) -> list[str]:
        return [program("postseald"), "--config", str(self.configuration), *options]

    def start(self) -> None:
        self.process = processes.start(self.enter_command + UNDER + self.command(), self.log)
        self.wait_until_listening()

    def wait_until_listening(self) -> None:
        end = time.monotonic() + PATIENCE
        while not self._listening():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"postseald does not listen:\n{self.log_text()}")
            time.sleep(0.02)

    def stop(self) -> int | None:
        if self.process is None:
            return None
        process, self.process = self.process, None
        status = processes.stop(process, PATIENCE)
        assert status in (0, -signal.SIGTERM), f"status {status}:\n{self.log_text()}"
        return status

    def take_over(self) -> None:
        """A second process goes on in the place of the first."""
        first = self.process
        self.process = processes.start(UNDER + self.command("--take-over"), self.log)
        status = first.wait(PATIENCE)
        assert status == 0, f"status {status}:\n{self.log_text()}"
        self.wait_until_listening()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _listening(self) -> bool:
        for probe in (self.connect, self.connect_unix):
            try:
                probe().close()
            except OSError:
                return False
        return True

    def wait_for_log(self, text: str, times: int = 1) -> None:
        """A thread of its own writes the log: a reply may be here before its line is."""
        end = time.monotonic() + PATIENCE
        while self.log.read_text(errors="replace").count(text) < times:
            assert time.monotonic() < end, f"{times} times {text!r}:\n{self.log_text()}"
            time.sleep(0.02)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else "(no log)"

    def connect(self) -> Connection:
        return Connection(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE))

    def connect_unix(self) -> Connection:
        unix = socket.socket(socket.AF_UNIX)
        unix.settimeout(PATIENCE)
        try:
            unix.connect(str(self.unix_socket))
        except OSError:
            unix.close()
            raise
        return Connection(unix)

    def socketmap(self, map_name: str) -> str:
        """As main.cf names it."""
        return f"socketmap:inet:127.0.0.1:{self.port}:{map_name}"

    def connect_to(self, port: int) -> socket.socket:
        """To another listener of the configuration."""
        return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def ask(self, key: str, map_name: str = "postfix") -> str:
        with self.connect() as connection:
            return connection.ask(map_name, key)

    def tool(self, *arguments: str) -> subprocess.CompletedProcess:
        """The tool postseal with this daemon's configuration."""
        return run([program("postseal"), "--config", str(self.configuration), *arguments])

    def admin(self, command: str) -> dict:
        """One command to the admin socket."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(PATIENCE)
            admin.connect(str(self.folder / "admin.sock"))
            admin.sendall(json.dumps({"command": command}).encode() + b"\n")
            return json.loads(admin.makefile("rb").readline())

    def status(self) -> dict:
        return self.admin("status")["status"]

    def settle(self) -> None:
        """An answer may be given before the lookup behind it has ended, and been saved."""
        while self.status()["lookups"]["pending"]:
            time.sleep(0.05)

    def explain(self, key: str) -> dict:
        result = self.tool("explain", "--json", key)
        assert result.stdout, f"explain --json {key}: {result.stderr}"
        return json.loads(result.stdout)

    def with_settings(self, **changes) -> dict:
        """A copy of the settings; changes are name="value" or name={...} for a section."""
        settings = copy.deepcopy(self.settings)
        for name, change in changes.items():
            if isinstance(change, dict):
                settings.setdefault(name, {}).update(change)
            else:
                settings[name] = change
        return settings
