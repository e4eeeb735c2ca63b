# test_bench.py: the benchmarks run, each part of them; their figures mean nothing here
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import re
import subprocess
import sys

import peer
from daemon import PROJECT, build_folder
from world.processes import run

ROWS = (
    r"cached, tcp, 1 x 1", r"cached, unix, 16 x 16", r"cached beside 1,000 cold, p99",
    r"the loop's longest turn, CPU", r"cold, dane, \d+ domains", r"cold, sts, \d+ domains",
    r"cold, plain, \d+ domains", r"round trips, DANE, MX in zone", r"memory of \d+ cached domains",
    r"start with 0 domains", r"store of 1,000 domains", r"start with 1,000 domains",
)
# Each with figures of both caches of the peer.
BESIDE = (
    r"known, with a policy, tcp, 1 x 1", r"known, with a policy, tcp, 16 x 1",
    r"known, with a policy, tcp, 64 x 1", r"known, without, tcp, 64 x 1",
    r"cold, with a policy, \d+ domains", r"memory with \d+ policies",
)


def _smoke(*options: str) -> subprocess.CompletedProcess:
    """In a network namespace of its own. Every answer is compared with the one that must come."""
    bench = [sys.executable, "-B", str(PROJECT / "tests" / "bench" / "bench.py"), "--smoke"]
    result = run(["env", f"POSTSEAL_BUILD={build_folder()}", *bench, *options], timeout=240)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def test_the_smallest_benchmark_gives_every_row(programs):
    result = _smoke()
    for row in ROWS:
        assert re.search(rf"^\| {row}", result.stdout, re.MULTILINE), f"{row}:\n{result.stdout}"


def test_beside_the_peer_both_give_right_answers(programs, peer_folder):
    result = _smoke("--only", "peers")
    assert f"| {peer.PACKAGE} {peer.version(peer_folder)} " in result.stdout
    for row in BESIDE:
        figures = r"[|] [0-9].* [|] internal [0-9].*; sqlite [0-9]"
        assert re.search(rf"^[|] {row}[^|]*{figures}", result.stdout, re.MULTILINE), \
            f"{row}:\n{result.stdout}"


def test_an_answer_that_is_wrong_ends_the_generator_with_status_3(daemon, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("plain.example\tOK dane-only\n", encoding="ascii")
    load = str(build_folder() / "tests" / "bench" / "load")
    result = run([load, "--to", f"127.0.0.1:{daemon.port}", "--keys", str(keys), "--requests", "3"])
    assert result.returncode == 3
    assert '"unexpected":3,"first_unexpected":"plain.example: NOTFOUND "' in result.stdout


def test_every_thread_has_a_name_to_split_the_time_by(daemon):
    daemon.ask("sts-one.example")
    tasks = pathlib.Path(f"/proc/{daemon.process.pid}/task")
    names = sorted((task / "comm").read_text().strip() for task in tasks.iterdir())
    assert names == ["log", "policies", "postseald", "resolver", "store", "store reads"]
