# test_stats.py: the daemon's status for people, once and again and again
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest

from daemon import PATIENCE, program


def test_stats(daemon):
    daemon.ask("dane.example")
    text = daemon.tool("stats").stdout
    assert re.match(r"postseald \d+\.\d+\.\d+, up [\w ]+ since 2\S+Z\nqueries +\d", text)
    assert re.search(r"^  dane +[\d,]+ +[\d.]+ %$", text, flags=re.MULTILINE)
    assert re.search(r"^health +good$", text, flags=re.MULTILINE)
    assert re.search(r"^store +good$", text, flags=re.MULTILINE)
    assert re.search(r"^clock +(confirmed by|NOT CONFIRMED)", text, flags=re.MULTILINE)
    assert re.search(r"^configuration +good$", text, flags=re.MULTILINE)
    figures = {re.match(r"[a-z_ ]+[\d,]+", line).end() for line in text.splitlines()[1:-5]}
    assert len(figures) == 1, "aligned"
    assert json.loads(daemon.tool("stats", "--json").stdout)["queries"]["total"] >= 1


def test_health_for_cron(new_daemon):
    daemon = new_daemon()
    down = daemon.tool("health")
    assert (down.returncode, down.stdout.splitlines()[0]) == (2, "down")
    daemon.start()
    assert (well := daemon.tool("health")).returncode == 0, well.stdout
    assert re.fullmatch(r"ok\n(clock: not confirmed yet.*\n)?", well.stdout)
    parts = json.loads(daemon.tool("health", "--json").stdout)["parts"]
    assert {"configuration", "store", "validation"} <= {part["part"] for part in parts}
    assert all({"part", "trouble", "note"} == set(part) for part in parts)
    good = daemon.configuration.read_text(encoding="utf-8")
    daemon.configuration.write_text("state_dirr = 7\n" + good, encoding="utf-8")
    socket_ = str(daemon.folder / "admin.sock")
    assert daemon.tool("reload", "--socket", socket_).returncode == 78
    ill = daemon.tool("health", "--socket", socket_)
    assert ill.returncode == 1
    assert ill.stdout.startswith("degraded\nconfiguration: ") and "state_dirr" in ill.stdout
    stats = daemon.tool("stats", "--socket", socket_).stdout
    assert re.search(r"^health +DEGRADED\n  configuration: .*state_dirr", stats, re.MULTILINE)


def test_health_is_never_another_status(new_daemon, tmp_path):
    """What cannot be asked is not well, and it is not said that it is down."""
    daemon = new_daemon()
    daemon.configuration.write_text("state_dirr = 7\n", encoding="utf-8")
    broken = daemon.tool("health", "--config", str(daemon.configuration))
    assert (broken.returncode, broken.stdout.splitlines()[0]) == (2, "unknown"), broken
    assert "state_dirr" in broken.stdout
    missing = daemon.tool("health", "--json", "--socket", str(tmp_path / "nowhere.sock"))
    assert (missing.returncode, json.loads(missing.stdout)["state"]) == (2, "down")
    too_long = daemon.tool("health", "--socket", "/" + "x" * 200)
    assert (too_long.returncode, too_long.stdout.splitlines()[0]) == (2, "unknown")
    assert daemon.tool("health", "--nosuchoption").returncode == 64


@pytest.mark.parametrize("every", ["0", "soon", "2d"])
def test_watch_wants_a_time(daemon, every):
    result = daemon.tool("stats", "--watch", every)
    assert result.returncode == 64
    assert "write 2, 30s or 5m" in result.stderr


def test_watch_without_a_daemon(new_daemon):
    assert new_daemon().tool("stats", "--watch").returncode == 69


class Watch:
    """postseal stats --watch 1, and what it has written by now."""

    def __init__(self, daemon, folder, *options):
        self.out, self.err = folder / "out", folder / "err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [program("postseal"), "--config", str(daemon.configuration), "stats",
                 "--watch", "1", *options], stdout=out, stderr=err)

    def wait_for(self, what) -> list[str]:
        end = time.monotonic() + PATIENCE
        while not what(self):
            assert self.process.poll() is None and time.monotonic() < end, self.err.read_text()
            time.sleep(0.1)
        return self.lines()

    def lines(self) -> list[str]:
        return self.out.read_text(encoding="utf-8").splitlines()


def test_watch_across_a_restart(new_daemon, tmp_path):
    daemon = new_daemon()
    daemon.start()
    watch = Watch(daemon, tmp_path)
    lines = watch.wait_for(lambda seen: len(seen.lines()) >= 2)
    assert " queries - " in lines[0], "nothing to compare with yet"
    assert re.search(r" queries \d+\.\d/s ", lines[1])
    daemon.stop()
    watch.wait_for(lambda seen: "waiting for it" in seen.err.read_text(encoding="utf-8"))
    seen = len(watch.lines())
    daemon.start()
    lines = watch.wait_for(lambda now: len(now.lines()) >= seen + 2)
    assert " queries - " in lines[seen] and "/s " in lines[seen + 1]
    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(PATIENCE) == 0, "Ctrl-C is how it ends"
    assert watch.err.read_text(encoding="utf-8").count("\n") == 1, "said once"


def test_watch_on_a_terminal(daemon):
    ours, theirs = pty.openpty()
    with subprocess.Popen([program("postseal"), "--config", str(daemon.configuration), "stats",
                           "-w"], stdout=theirs, stderr=theirs) as tool:
        os.close(theirs)
        shown = b""
        while b"Ctrl-C ends" not in shown:
            shown += os.read(ours, 4096)
        tool.send_signal(signal.SIGTERM)
        assert tool.wait(PATIENCE) == 0
    os.close(ours)
    assert shown.startswith(b"\x1b[H\x1b[2Jpostseald ")
    assert b"every 2s" in shown
