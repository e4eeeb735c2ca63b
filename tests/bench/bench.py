#!/usr/bin/python3
# bench.py: measures the postseald of the folder POSTSEAL_BUILD; contrib/bench calls it
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import datetime
import pathlib
import re
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import measure  # noqa: E402
import peer  # noqa: E402
from beside import peers  # noqa: E402
from crowd import Crowd, Unavailable  # noqa: E402
from daemon import program  # noqa: E402
from processor import machine  # noqa: E402
from world.processes import run  # noqa: E402

RESULTS = HERE / "RESULTS.md"
HANGING = 5  # of the policy hosts, every so manieth
# The last is only measured when it is asked for: it needs packages that nothing else does.
PARTS = {**measure.ALL, "peers": peers}
HEAD = ("what", "postseald", "beside it", "times", "target", "met")


def table(rows: list[measure.Row]) -> str:
    lines = [HEAD, *((r.what, r.figure, r.beside, r.times, r.target,
                      "" if r.met is None else "yes" if r.met else "NO") for r in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


def record(title: str, text: str) -> None:
    """In the place of what was recorded under the same title."""
    old = RESULTS.read_text(encoding="utf-8")
    section = f"## {title}\n\n{text}\n\n"
    found = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", old, re.MULTILINE | re.DOTALL)
    new = old[:found.start()] + section + old[found.end():] if found else f"{old}\n{section}"
    RESULTS.write_text(new.rstrip() + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="contrib/bench", description=__doc__)
    parser.add_argument("--quick", dest="effort", action="store_const", const=measure.QUICK,
                        default=measure.FULL, help="small numbers: a minute or two")
    parser.add_argument("--smoke", dest="effort", action="store_const", const=measure.SMOKE,
                        help="only whether everything runs: the figures mean nothing")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART",
                        help=f"one of {', '.join(PARTS)}; may be given again")
    parser.add_argument("--record", metavar="TITLE", help="write the table into RESULTS.md, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="postseal-bench.") as folder:
        try:
            if "peers" in (options.only or ()):
                peer.prepare()
            crowd = Crowd(pathlib.Path(folder), pathlib.Path(measure.bench_program("policy_host")),
                          options.effort.cold, HANGING)
        except Unavailable as why:
            print(f"BENCHMARK NOT RUN: {why}", file=sys.stderr)
            return 77
        rows: list[measure.Row] = []
        with crowd:
            for part in options.only or measure.ALL:
                begin = time.monotonic()
                rows += PARTS[part](crowd, options.effort)
                print(f"bench: {part}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    version = run([program("postseald"), "--version"]).stdout.splitlines()[0]
    today = datetime.date.today().isoformat()
    text = f"{today}, {version}, {machine()}\n\n{table(rows)}"
    print(text)
    if options.record:
        record(options.record, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
