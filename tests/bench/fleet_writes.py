#!/usr/bin/python3
# fleet_writes.py: how many writes a second reach a shared store that is far away
#
#   tests/bench/fleet_writes.py [--nodes N] [--round-trip MS] [--seconds N] [--serializable]
#
# The server is Debian's, with fsync, on a unix socket; a proxy on loopback holds each packet back for
# half of the round trip. Each write is one row, as a node offers it. POSTSEAL_BUILD is the folder with
# fleet_writes, which does the writing.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import asyncio
import json
import os
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from daemon import PROJECT  # noqa: E402
from processor import machine  # noqa: E402
from shared_server import Server  # noqa: E402

BUILD = pathlib.Path(os.environ.get("POSTSEAL_BUILD", PROJECT / "build"))


class Distance:
    """A port on loopback that leads to the server's socket, `one_way` seconds away."""

    def __init__(self, path: str, one_way: float) -> None:
        self._path = path
        self._one_way = one_way
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self.port = 0

    def __enter__(self) -> "Distance":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join()

    def _end(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_later(0.1, self._loop.stop)  # they end first

    def _run(self) -> None:
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._path)
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(65536):
            self._loop.call_later(self._one_way, writer.write, octets)
        self._loop.call_later(self._one_way, writer.close)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--round-trip", type=float, default=20, help="ms")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--serializable", action="store_true")
    arguments = parser.parse_args()
    options = ["fsync=on", "shared_buffers=128MB", "max_connections=100"]
    if arguments.serializable:
        options.append("default_transaction_isolation=serializable")
    with Server(*options, address="") as server:
        database = server.new_database()
        config = server.folder / "postseal.toml"
        config.write_text(f'store = "{server.uri(database)}"\n', encoding="utf-8")
        subprocess.run([str(BUILD / "postseal"), "--config", str(config), "store", "init"], check=True)
        path = str(next(server.folder.glob("**/.s.PGSQL.*[0-9]")))
        with Distance(path, arguments.round_trip / 2000) as distance:
            uri = f"postgresql://postseal@127.0.0.1:{distance.port}/{database}?sslmode=disable"
            measured = subprocess.run(
                [str(BUILD / "tests/bench/fleet_writes"), uri, str(arguments.nodes),
                 str(arguments.seconds)], check=True, capture_output=True, text=True)
    result = {"round_trip_ms": arguments.round_trip, "serializable": arguments.serializable,
              **json.loads(measured.stdout)}
    print(machine())
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
