# test_own_disk.py: the faulty disk of the soaks is faulty (tests/support/own_disk.cpp), as SQLite
# sees it; a file of another name is sound
# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys

import pytest

from daemon import preloaded
from own_disk import OwnDisk

READ = "print(db.execute('SELECT count(*) FROM t').fetchone()[0])"
WRITE = "db.execute('INSERT INTO t VALUES (1)'); db.commit(); print('written')"
FULL = ("database or disk is full", "unable to open database file")
PROGRAM = """
import sqlite3, sys, time
begin = time.monotonic()
try:
    db = sqlite3.connect(sys.argv[1])
    db.execute('PRAGMA synchronous = FULL')
    exec(sys.argv[2])
except sqlite3.Error as fault:
    print(fault)
print(time.monotonic() - begin > 0.5)
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("postseal.db", "other.db"):
        subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / name),
                        "db.execute('CREATE TABLE t (n)'); db.commit()"], check=True)
    return tmp_path


@pytest.fixture
def disk(programs, tmp_path):
    return OwnDisk(tmp_path / "control")


def does(folder, disk, what: str, name: str = "postseal.db") -> tuple[str, bool]:
    """What it prints, and whether it took longer than half a second."""
    command = [*preloaded(disk.library, disk.variable), sys.executable, "-c", PROGRAM,
               str(folder / name), what]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said, slow = done.stdout.splitlines()
    return said, slow == "True"


def test_a_full_disk(folder, disk):
    with disk.full():
        assert does(folder, disk, WRITE)[0] in FULL
        assert does(folder, disk, READ)[0] == "0"
        assert does(folder, disk, WRITE, "other.db")[0] == "written"
    assert does(folder, disk, WRITE)[0] == "written"
    assert does(folder, disk, READ)[0] == "1"


def test_a_disk_that_cannot_be_read(folder, disk):
    with disk.unreadable():
        assert does(folder, disk, READ)[0] == "disk I/O error"
        assert does(folder, disk, READ, "other.db")[0] == "0"
    assert does(folder, disk, READ)[0] == "0"


def test_one_read_that_fails(folder, disk):
    with disk.unreadable(1):
        assert does(folder, disk, READ)[0] == "disk I/O error"
        assert does(folder, disk, READ)[0] == "0"


def test_a_slow_disk(folder, disk):
    with disk.slow(0.6):
        assert does(folder, disk, WRITE) == ("written", True)
    assert does(folder, disk, READ)[0] == "1"
