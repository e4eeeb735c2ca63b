# catalogue.py: the faults: how each is made, and how it ends
# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import os
import resource
import shutil
import signal
import time
from datetime import timedelta

from own_clock import OwnClock
from resources import patience
from service_manager import ServiceManager
from socketmap import Closed, request
from world import Unavailable
from world.processes import run as run_command

from .disk import Disk
from .stage import Fault, Stage
from .thread import StoppedThread, threads

FLOOD = 3000  # questions for new domains, to use memory up
WATCHDOG = 3  # seconds; that of the systemd unit is 60


# --- The process -----------------------------------------------------------------------------

@contextlib.contextmanager
def killed(stage: Stage):
    stage.daemon.kill()
    yield
    stage.daemon.start()


@contextlib.contextmanager
def out_of_memory(stage: Stage):
    """Not an octet of address space more, and thousands of new domains."""
    pid = stage.daemon.process.pid
    old = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (1, old[1]))
    survived = _flood(stage)
    if not survived:
        stage.daemon.process.wait(patience(30))
        stage.notes.append("the process ended")
        stage.daemon.start()
    yield
    if survived:
        resource.prlimit(pid, resource.RLIMIT_AS, old)


def _flood(stage: Stage) -> bool:
    """Whether it has answered them all; if not, it is about to end."""
    with contextlib.suppress(Closed, ConnectionError), stage.daemon.connect() as connection:
        for begin in range(0, FLOOD, 100):
            names = [f"flood{n}.new.example" for n in range(begin, begin + 100)]
            connection.send(b"".join(request("postfix", name) for name in names))
            for _ in names:
                connection.receive()
        return True
    return False


@contextlib.contextmanager
def out_of_descriptors(stage: Stage):
    pid = stage.daemon.process.pid
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    lowest_free = next(n for n in range(len(used) + 1) if n not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, old[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, old)


# --- The clock -------------------------------------------------------------------------------

@contextlib.contextmanager
def own_clock(stage: Stage):
    stage.clock = OwnClock(stage.folder / "clock")
    stage.daemon.enter_command = stage.clock.enter_command
    yield


def clock_jumps(days: int):
    @contextlib.contextmanager
    def happens(stage: Stage):
        stage.clock.set(timedelta(days))
        yield
        stage.clock.set(timedelta())
        stage.daemon.wait_for_log("warning clock-jump")
    return happens


# --- The resolver's thread -------------------------------------------------------------------

def _resolver_thread(stage: Stage) -> StoppedThread:
    if os.getuid() != 0:
        raise Unavailable("only root can stop a thread of the daemon")
    pid = stage.daemon.process.pid
    (tid,) = [tid for tid, name in threads(pid).items() if name == "resolver"]
    return StoppedThread(pid, tid)


@contextlib.contextmanager
def resolver_stuck(stage: Stage):
    thread = _resolver_thread(stage)
    yield
    thread.let_go()


@contextlib.contextmanager
def service_manager(stage: Stage):
    """It has a watchdog, and keeps the listening sockets."""
    daemon = stage.daemon
    with ServiceManager(stage.folder, daemon.command(), daemon.log, WATCHDOG) as manager:
        def start() -> None:
            manager.start()
            daemon.process = manager.process

        daemon.start = start
        stage.manager = manager
        yield


@contextlib.contextmanager
def resolver_killed(stage: Stage):
    """What heals it is the service manager, whose watchdog is not fed any more."""
    _resolver_thread(stage).end()
    yield
    begun = time.monotonic()
    while any("WATCHDOG=1" in text
              for text in stage.manager.messages(time.monotonic() - WATCHDOG)):
        assert time.monotonic() < begun + patience(60), "the watchdog is fed all the same"
        time.sleep(0.05)
    stage.daemon.process.send_signal(signal.SIGABRT)
    stage.daemon.process.wait()
    stage.daemon.start()


# --- DNS and policy hosts --------------------------------------------------------------------

@contextlib.contextmanager
def dns_silent(stage: Stage):
    stage.world.silence_dns()
    try:
        yield
    finally:
        stage.world.speak_dns()


@contextlib.contextmanager
def dns_dead(stage: Stage):
    stage.world.stop_dns()
    try:
        yield
    finally:
        stage.world.start_dns()


@contextlib.contextmanager
def policy_hosts_dead(stage: Stage):
    stage.world.policy_server.stop()
    try:
        yield
    finally:
        stage.world.policy_server.start()


# --- The network -----------------------------------------------------------------------------

NETEM = ["tc", "qdisc", "add", "dev", "lo", "root", "netem"]
NFT_LOSS = "table inet loss { chain in { type filter hook input priority 0; " \
           "numgen random mod 100 < %d drop; }; }"


def lossy(percent: int):
    """By netem where the kernel has it, else by nftables."""
    @contextlib.contextmanager
    def happens(stage: Stage):
        if run_command([*NETEM, "loss", f"{percent}%"]).returncode == 0:
            undo = ["tc", "qdisc", "del", "dev", "lo", "root"]
        elif shutil.which("nft") and \
                run_command(["nft", NFT_LOSS % percent]).returncode == 0:
            undo = ["nft", "delete", "table", "inet", "loss"]
        else:
            raise Unavailable("the kernel has neither sch_netem nor nftables with numgen")
        try:
            yield
        finally:
            run_command(undo)
    return happens


def slow(milliseconds: int):
    @contextlib.contextmanager
    def happens(stage: Stage):
        made = run_command([*NETEM, "delay", f"{milliseconds}ms", f"{milliseconds // 4}ms"])
        if made.returncode != 0:
            raise Unavailable(f"the kernel has no sch_netem: {made.stderr.strip()}")
        try:
            yield
        finally:
            run_command(["tc", "qdisc", "del", "dev", "lo", "root"])
    return happens


# --- The store -------------------------------------------------------------------------------

@contextlib.contextmanager
def small_disk(stage: Stage):
    with Disk(stage.daemon, "16m") as disk:
        stage.disk = disk
        stage.enter = disk.enter
        yield


@contextlib.contextmanager
def disk_full(stage: Stage):
    stage.disk.fill()
    yield
    assert stage.daemon.status()["store"]["degraded"], "it has not noticed"
    stage.disk.make_room()


@contextlib.contextmanager
def file_removed(stage: Stage):
    for part in (stage.folder / "state").glob("postseal.db*"):
        part.unlink()
    yield


@contextlib.contextmanager
def file_damaged(stage: Stage):
    path = stage.folder / "state" / "postseal.db"
    with open(path, "r+b") as file:
        size = max(path.stat().st_size, 65536)
        file.write(os.urandom(size))
    yield


ALL_RIGHT = ("known", "connecting", "new")
MEMORY = ("known", "connecting")

FAULTS = [
    Fault("killed", "kill -9; the service manager starts it again at once", killed, momentary=True),
    Fault("out-of-memory", "no octet of address space more (RLIMIT_AS), and 3,000 new domains",
          out_of_memory, momentary=True),
    Fault("out-of-descriptors", "no file descriptor more (RLIMIT_NOFILE)", out_of_descriptors,
          lasts=12, unharmed=("known",)),
    Fault("disk-full", "not an octet free where the database is", disk_full, lasts=5,
          unharmed=ALL_RIGHT, prepare=small_disk),
    Fault("file-removed", "the database's files are removed in use", file_removed, lasts=3,
          unharmed=ALL_RIGHT, loses=True),
    Fault("file-damaged", "the database is overwritten in use", file_damaged, lasts=3,
          unharmed=ALL_RIGHT, loses=True),
    Fault("clock-ahead", "the wall clock goes 8 days ahead, past the policies' lives, and back",
          clock_jumps(8), lasts=5, unharmed=ALL_RIGHT, prepare=own_clock),
    Fault("clock-back", "the wall clock goes 8 days back, and ahead again", clock_jumps(-8),
          lasts=5, unharmed=MEMORY, prepare=own_clock),
    Fault("resolver-stuck", "the resolver's thread stands still", resolver_stuck, lasts=12,
          unharmed=MEMORY),
    Fault("resolver-killed", f"the resolver's thread ends; a service manager with a watchdog of "
          f"{WATCHDOG} s", resolver_killed, momentary=True, prepare=service_manager),
    Fault("dns-silent", "no name server answers", dns_silent, lasts=20, unharmed=MEMORY),
    Fault("dns-dead", "no name server is there", dns_dead, lasts=10, unharmed=MEMORY),
    Fault("policy-hosts-dead", "no policy host is there", policy_hosts_dead, lasts=4,
          unharmed=ALL_RIGHT, kinds=(*ALL_RIGHT, "policy")),
    Fault("loss", "one packet in ten is lost", lossy(10), lasts=10, unharmed=MEMORY),
    Fault("delay", "each packet takes 100 ms longer", slow(100), lasts=10),
]
