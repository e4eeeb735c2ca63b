# conftest.py: the package that contrib/package has built, and a fresh Debian with it
#
# POSTSEAL_PACKAGE names the folder that contrib/package has filled (default: build-package).
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import subprocess

import pytest

import debian
from root import Root
from world import Unavailable, World

PROJECT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def package_folder() -> pathlib.Path:
    return (PROJECT / os.environ.get("POSTSEAL_PACKAGE", "build-package")).resolve()


@pytest.fixture(scope="session")
def deb(package_folder) -> pathlib.Path:
    found = [file for file in package_folder.glob("postseal_*.deb")]
    if len(found) != 1:
        pytest.fail(f"no package in {package_folder}: run contrib/package")
    return found[0]


@pytest.fixture(scope="session")
def unpacked(deb, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "-R", deb, folder], check=True)
    return folder


@pytest.fixture(scope="session")
def root(package_folder, deb, tmp_path_factory):
    if os.getuid() != 0:
        pytest.skip("PACKAGE NOT INSTALLED ANYWHERE: this needs root")
    base = package_folder.with_name(f"{package_folder.name}-root")
    try:
        made = Root(base, tmp_path_factory.mktemp("fresh") / "root", deb)
    except debian.Unavailable as why:
        pytest.skip(f"PACKAGE NOT INSTALLED ANYWHERE: {why}")
    return made


@pytest.fixture(scope="session")
def world(root, tmp_path_factory):
    try:
        world_ = World(tmp_path_factory.mktemp("world"))
    except Unavailable as why:
        pytest.skip(f"PACKAGE NOT TRIED: {why}")
    with world_, root:
        yield world_
