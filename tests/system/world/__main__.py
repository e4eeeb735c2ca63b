# python3 -m world FOLDER: starts the world, says so, and keeps it until it is interrupted
#
# FOLDER/pid has the id of the process whose network namespace it is, once everything answers;
# FOLDER/enter is a script that runs a command there.
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import shlex
import signal
import sys

from . import Unavailable, World
from .catalogue import POLICY_HOSTS, ZONES


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python3 -m world FOLDER", file=sys.stderr)
        return 64
    folder = pathlib.Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # SIGINT too: a shell starts background processes with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with World(folder) as world:
            enter = folder / "enter"
            command = shlex.join(world.enter_command)
            enter.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="ascii")
            enter.chmod(0o755)
            (folder / "pid").write_text(f"{os.getpid()}\n", encoding="ascii")
            count = f"{len(ZONES)} zones and {len(POLICY_HOSTS)} policy hosts"
            print(f"world: {count} answer", flush=True)
            while True:
                signal.pause()
    except Unavailable as why:
        print(f"world: {why}", file=sys.stderr)
        return 69
    except KeyboardInterrupt:
        return 0


sys.exit(main())
