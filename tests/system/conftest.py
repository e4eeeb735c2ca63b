# conftest.py: what all system tests share: one world, one daemon
#
# Skipped, with the reason, where there is no network namespace or no name server to be had.
# SPDX-License-Identifier: BSD-3-Clause
import fcntl
import itertools
import pathlib
import shutil

import pytest

import peer
import postfix_release
from daemon import Daemon, build_folder
from fleet import Fleet, Node
from postfix import Postfix
from shared_server import Missing, Server
from world import Unavailable, World, validating_resolver

# Above all the ports that tests name themselves, so that counting on never meets one of them.
_ports = itertools.count(11000)
_submission_ports = itertools.count(10000)
_peer = pytest.StashKey[pathlib.Path | Unavailable]()
_releases = pytest.StashKey[dict[str, postfix_release.Release | postfix_release.Unavailable]]()

MAIL_PORT = 8460
MAIL_OVERRIDES = """\
override-stronger.mail.example secure match=mx.override-stronger.mail.example
override-stronger-wrong.mail.example secure match=mx.override-stronger-wrong.mail.example
override-weaker.mail.example may
override-weaker-dane.mail.example encrypt
override-none.mail.example none
mx.override-relay.mail.example secure match=mx.override-relay.mail.example
[mx.enforce-relay.mail.example]:587 encrypt
"""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


def pytest_collection_finish(session):
    """Before the world's network namespace is entered: no mirror can be reached from there."""
    config = session.config
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if config.option.collectonly:
        return
    # One of several processes unpacks, the others find what it has made.
    with open(build_folder() / "preparing", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prepare(config, wanted)


def prepare(config, wanted: set[str]) -> None:
    if "peer_folder" in wanted:
        try:
            config.stash[_peer] = peer.prepare()
        except Unavailable as why:
            config.stash[_peer] = why
    if "release" in wanted:
        config.stash[_releases] = found = {}
        for name in postfix_release.NAMES:
            try:
                found[name] = postfix_release.prepare(name)
            except postfix_release.Unavailable as why:
                found[name] = why


@pytest.fixture(scope="session", params=postfix_release.NAMES)
def release(request) -> postfix_release.Release:
    """Each version of Postfix."""
    found = request.config.stash[_releases][request.param]
    if isinstance(found, postfix_release.Unavailable):
        pytest.skip(f"POSTFIX OF {request.param.upper()} NOT TRIED: {found}")
    return found


@pytest.fixture(scope="session")
def peer_folder(request) -> pathlib.Path:
    """Where the daemon is that postseald is measured beside."""
    found = request.config.stash[_peer]
    if isinstance(found, Unavailable):
        pytest.skip(f"NOTHING MEASURED BESIDE {peer.PACKAGE}: {found}")
    return found


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    try:
        world_ = World(tmp_path_factory.mktemp("world"))
    except Unavailable as why:
        pytest.skip(f"SYSTEM TESTS NOT RUN: {why}")
    with world_:
        yield world_


@pytest.fixture(scope="session")
def programs():
    """The daemon and the tool are built, and Postfix is there."""
    for name in ("postseald", "postseal"):
        if not (build_folder() / name).exists():
            pytest.fail(f"{build_folder() / name} is missing: build it, or set POSTSEAL_BUILD")
    if not shutil.which("postmap"):
        pytest.fail("postmap is missing: install postfix")


@pytest.fixture(scope="session")
def daemon(world, programs, tmp_path_factory):
    """The daemon that most tests ask, at Postfix's usual address."""
    with Daemon(world, tmp_path_factory.mktemp("daemon"), 8461) as daemon_:
        yield daemon_


@pytest.fixture
def new_daemon(world, programs, tmp_path):
    """Makes daemons of one's own, not started yet; stopped at the end."""
    made: list[Daemon] = []

    def make(**sections) -> Daemon:
        port = next(_ports)
        made.append(Daemon(world, tmp_path / str(port), port, **sections))
        return made[-1]

    yield make
    for daemon_ in made:
        daemon_.stop()


@pytest.fixture(scope="session")
def fleet_server(world):
    try:
        with Server() as server:
            yield server
    except Missing as why:
        pytest.skip(f"NO FLEET TRIED: {why}")


@pytest.fixture
def new_node(world, programs, tmp_path):
    """Makes nodes of a fleet, not started yet; they end with the test."""
    made: list[Node] = []

    def make() -> Node:
        try:
            made.append(Node(world, tmp_path / f"node{len(made)}"))
        except Unavailable as why:
            pytest.skip(f"NO FLEET TRIED: {why}")
        return made[-1]

    yield make
    for node in made:
        node.end()


@pytest.fixture
def fleet(fleet_server, new_node):
    return Fleet(fleet_server, new_node).start()


@pytest.fixture(scope="session")
def postmap_folder(tmp_path_factory) -> pathlib.Path:
    return tmp_path_factory.mktemp("postmap")


@pytest.fixture(scope="session")
def policies(world, programs, tmp_path_factory):
    """The daemon that Postfix asks when it sends mail."""
    folder = tmp_path_factory.mktemp("policies")
    overrides = folder / "overrides"
    overrides.write_text(MAIL_OVERRIDES, encoding="ascii")
    verdict = {"default_level": "dane", "overrides": str(overrides)}
    exact = {"name": "exact", "form": "legacy", "match": "mx"}
    with Daemon(world, folder, MAIL_PORT, verdict=verdict, map=[exact]) as daemon_:
        yield daemon_


@pytest.fixture(scope="session")
def new_postfix(world, tmp_path_factory):
    """Makes a Postfix of a release, not started yet, whose resolver validates."""
    if reason := validating_resolver.missing():
        pytest.skip(f"NO MAIL SENT: {reason}")
    folder = tmp_path_factory.mktemp("resolver")
    resolver = validating_resolver.ValidatingResolver(folder, world.trust_anchor, world.root_hints)

    def make(release, settings: dict[str, str], services: str = "",
             files: dict[str, str] | None = None,
             resolv_conf: pathlib.Path | None = None) -> Postfix:
        return Postfix(
            release, tmp_path_factory.mktemp(release.name) / "postfix", next(_submission_ports),
            ca_file=world.ca_file, resolv_conf=resolv_conf or resolver.resolv_conf,
            settings=settings, services=services, files=files,
        )

    with resolver:
        yield make
