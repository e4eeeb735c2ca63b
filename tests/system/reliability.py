#!/usr/bin/python3
# reliability.py: makes every fault of faults/catalogue.py and measures it, for contrib/dev/reliability
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import dataclasses
import datetime
import pathlib
import re
import sys
import tempfile

import daemon as daemons
from faults.catalogue import FAULTS
from faults.stage import Fault, Outcome, Stage, run
from world import Unavailable, World
from world.processes import run as run_command

DOCUMENT = daemons.PROJECT / "contrib" / "doc" / "reliability.md"
BEGIN, END = "<!-- contrib/dev/reliability writes from here -->", "<!-- to here -->"
HEAD = ("| fault | lasted | answers meanwhile | all is well after | what was told meanwhile is put "
        "right after |\n|---|---|---|---|---|\n")


def row(outcome: Outcome) -> str:
    lasted = "a moment" if outcome.fault.momentary else f"{outcome.took:.0f} s"
    repaired = "" if outcome.repaired is None else f"{outcome.repaired:.0f} s"
    return (f"| {outcome.fault.what} | {lasted} | {outcome.effect()} | {outcome.recovery:.1f} s | "
            f"{repaired} |\n")


def record(text: str) -> None:
    """Between the markers of the document; the prose around them stays."""
    old = DOCUMENT.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    new, count = pattern.subn(lambda _: f"{BEGIN}\n\n{text}\n{END}", old)
    assert count == 1, f"{DOCUMENT}: where is {BEGIN}?"
    DOCUMENT.write_text(new, encoding="utf-8")


def longer(fault: Fault, dns_seconds: float | None) -> Fault:
    if dns_seconds is None or not fault.name.startswith("dns-"):
        return fault
    # What is known is used to its end, then the rows of failed lookups decide.
    return dataclasses.replace(fault, lasts=dns_seconds, heals_within=1800, unharmed=())


def main() -> int:
    parser = argparse.ArgumentParser(prog="contrib/dev/reliability")
    parser.add_argument("--only", action="append", choices=[fault.name for fault in FAULTS],
                        metavar="FAULT", help="may be repeated")
    parser.add_argument("--dns-seconds", type=float, help="how long DNS is away")
    parser.add_argument("--no-record", action="store_true", help="only show the table")
    options = parser.parse_args()
    text, skipped, failed = HEAD, [], []
    with tempfile.TemporaryDirectory(prefix="postseal-reliability.") as temporary:
        folder = pathlib.Path(temporary)
        try:
            world = World(folder / "world")
        except Unavailable as why:
            print(f"RELIABILITY NOT MEASURED: {why}", file=sys.stderr)
            return 77
        with world:
            for number, fault in enumerate(FAULTS):
                if options.only and fault.name not in options.only:
                    continue
                print(f"reliability: {fault.name}", file=sys.stderr, flush=True)
                one = daemons.Daemon(world, folder / fault.name, 8462 + number)
                try:
                    text += row(run(longer(fault, options.dns_seconds),
                                    Stage(world, one, one.folder, patient=True)))
                except Unavailable as why:
                    skipped.append(f"- {fault.what}: {why}\n")
                except AssertionError as why:
                    failed.append(f"{fault.name}: {why}")
                finally:
                    if one.process is not None:
                        one.kill()
    version = run_command([daemons.program("postseald"), "--version"]).stdout.splitlines()[0]
    words = " ".join(["contrib/dev/reliability", *sys.argv[1:]])
    text = f"{datetime.date.today().isoformat()}, {version}: `{words}`\n\n{text}"
    if skipped:
        text += "\nNot tried on that machine:\n\n" + "".join(skipped)
    print(text)
    for line in skipped:
        print(f"SKIPPED {line}", end="", file=sys.stderr)
    for line in failed:
        print(f"FAILED {line}", file=sys.stderr)
    if not options.no_record and not failed and not options.only:
        record(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
