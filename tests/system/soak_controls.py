#!/usr/bin/python3
# soak_controls.py: the soaks see what they are for: a fault that was mended is put back, and the
# soak that is made for it ends red
#
#     soak_controls.py [--folder DIR] [NAME...]
#
# soak_controls/NAME.patch puts one fault back. The project's files are copied, patched and built in
# a folder of their own (ccache is of use), so nothing changes here. The same soak is run with the
# copy as it is, and must end green: it is the patch that is seen. Ends with a line for each
# control; status 1 if one was not seen, or could not be tried.
# SPDX-License-Identifier: BSD-3-Clause
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from daemon import PROJECT

PATCHES = pathlib.Path(__file__).with_suffix("")
PROGRAMS = ("postseald", "postseal", "tests/own_clock.so", "tests/own_disk.so")
SEED = "1"
VIOLATIONS = re.compile(r"; (\d+) violations$", re.MULTILINE)
LIMIT = 900  # seconds for a soak


@dataclass(frozen=True)
class Control:
    name: str  # of the patch
    fault: str  # what the patch puts back
    soak: tuple[str, ...]


def _one(*faults: str, seconds: int = 40, domains: int = 300) -> tuple[str, ...]:
    return ("soak.py", "--only", ",".join(faults), "--seconds", str(seconds), "--domains",
            str(domains))


def _fleet(*ways: str) -> tuple[str, ...]:
    return ("soak_fleet.py", "--only", ",".join(ways))


CONTROLS = {control.name: control for control in (
    Control("unread-is-absent", "what is stored and cannot be read counts as not there"
            " (issue 15, items 1 and 2)", _one("store-stopped", "locked-at-start")),
    Control("reads-wait-for-fsync", "reads queue behind the writer (issue 15, item 1)",
            _one("disk-slow")),
    Control("full-disk-is-not-read", "a full disk is not read either (issue 15, item 2)",
            _one("disk-full-at-start")),
    Control("failure-over-policy", "a failed fetch is saved over the policy (issue 15, item 2)",
            _one("unreadable-at-start")),
    Control("one-error-moves-the-file", "one error of a read moves the database aside"
            " (issue 15, item 3)", _one("one-read-fails")),
    Control("our-anchor-blames-domains", "a wrong trust anchor of ours makes every domain bogus"
            " (issue 15, item 8)", _one("anchor-wrong")),
    Control("forgotten-is-saved-again", "a lookup in flight brings back what was forgotten"
            " (issue 15, item 20)", _one("forgotten")),
    Control("policy-ends-during-its-lookup", "a policy that ends while its own lookup lasts is not"
            " fetched again (issue 15, item 23)", _one("dns-hesitates-at-start", seconds=80)),
    Control("our-queue-blames-hosts", "waiting for a turn in our own queue counts as no policy"
            " (issue 15, item 24)", _one("policy-host-crowded")),
    Control("another-nodes-failure", "another node's failed fetch holds back this node's first own"
            " one (issue 15, item 4)", _fleet("wrong-ca-file")),
    Control("wall-clock-ends-policies", "a wall clock that nobody has confirmed ends policies"
            " (issue 15, item 5)", _one("clock-400-days-ahead-at-start")),
    Control("refreshes-put-off", "a refresh stays as far ahead as a wrong clock has put it"
            " (issue 15, items 5 and 6)", _one("clock-ahead-until-restart")),
    Control("retries-put-off", "a failed fetch is tried again when a wrong clock has said"
            " (issue 15, item 6)", _one("fetches-fail-by-a-clock-ahead")),
    Control("life-begins-anew", "a policy is as young as at its fetch, whenever it is read"
            " (issue 15, item 7)", _one("clock-ahead-until-restart")),
)}


class Copy:
    """Of the project, with a build of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder / "project"
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True,
                                capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            to = self._folder / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, to, follow_symlinks=False)

    def patch(self, name: str, *options: str) -> None:
        # Whatever repository the folder is in, it is not one of the copy.
        alone = {"GIT_CEILING_DIRECTORIES": str(self._folder.parent)}
        subprocess.run(["git", "apply", *options, str(PATCHES / f"{name}.patch")],
                       cwd=self._folder, env=os.environ | alone, check=True)

    def build(self) -> None:
        subprocess.run([self._folder / "contrib/build", "debug", "build-debug", *PROGRAMS],
                       cwd=self._folder, check=True, stdout=subprocess.DEVNULL)

    def soak(self, command: tuple[str, ...]) -> tuple[int, str]:
        """Its status, and what it printed."""
        program, *options = command
        done = subprocess.run(
            [sys.executable, "-B", str(self._folder / "tests/system" / program), "--seed", SEED,
             *options],
            env=os.environ | {"POSTSEAL_BUILD": str(self._folder / "build-debug")},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT)
        return done.returncode, done.stdout


def last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2]


class Trial:
    """Which soaks ended how with the copy as it is is known already."""

    def __init__(self, copy: Copy) -> None:
        self._copy = copy
        self._sound: dict[tuple[str, ...], tuple[int, str]] = {}
        copy.build()

    def prepare(self, controls: list[Control]) -> None:
        for control in controls:
            if control.soak not in self._sound:
                self._sound[control.soak] = self._copy.soak(control.soak)

    def result(self, control: Control) -> str | None:
        """None: all is as it must be."""
        status, text = self._sound[control.soak]
        if status != 0:
            return f"without the patch: status {status}: {last_line(text)}"
        self._copy.patch(control.name)
        try:
            self._copy.build()
            status, text = self._copy.soak(control.soak)
        finally:
            self._copy.patch(control.name, "--reverse")
        print(text if status not in (0, 1) else "\n".join(text.splitlines()[:6]), flush=True)
        print(last_line(text), flush=True)
        violations = VIOLATIONS.search(text)
        if status == 1 and violations and int(violations[1]) > 0:
            return None
        return f"not seen: status {status}: {last_line(text)}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=pathlib.Path, help="kept; default: one that is removed")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    options = parser.parse_args()
    if unknown := set(options.names) - CONTROLS.keys():
        parser.error(f"no such control: {', '.join(sorted(unknown))}")
    controls = [CONTROLS[name] for name in options.names or CONTROLS]
    with tempfile.TemporaryDirectory() as temporary:
        trial = Trial(Copy(options.folder or pathlib.Path(temporary)))
        trial.prepare(controls)
        results = {}
        for control in controls:
            print(f"== {control.name}: {control.fault}", flush=True)
            results[control.name] = trial.result(control)
    for name, why in results.items():
        print(f"{name}: {why or 'seen'}")
    seen = sum(why is None for why in results.values())
    print(f"controls: {seen} seen, {len(results) - seen} not")
    return 0 if seen == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
