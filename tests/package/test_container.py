# test_container.py: the steps of contrib/Dockerfile, done in a fresh Debian
#
# There need be no container engine: the second stage's instructions are read and followed one by
# one, but that the package, built already, is given to dpkg and not to apt-get, which has no mirror
# here.
# SPDX-License-Identifier: BSD-3-Clause
import json
import re
import shutil
import subprocess

import pytest

from conftest import PROJECT
from test_package import ask, connect, nobody_listens

DOCKERFILE = PROJECT / "contrib/Dockerfile"


def stages() -> list[list[tuple[str, str]]]:
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        word, rest = line.split(None, 1)
        if word == "FROM":
            found.append([])
        found[-1].append((word, re.sub(r"\s+", " ", rest)))
    return found


def test_first_stage_uses_what_is_there():
    (run,) = [rest for word, rest in stages()[0] if word == "RUN"]
    for command in run.split(" && "):
        assert (PROJECT / command.split()[0]).stat().st_mode & 0o100
    assert run.split(" && ")[-1] == "contrib/package /package"


@pytest.fixture
def container(world, root, deb):
    """The command line of the container's process, in the root that the instructions made."""
    user = command = health = None
    for word, rest in stages()[1]:
        if word == "COPY" and rest.startswith("--from=build"):
            assert rest == "--from=build /package/*.deb /tmp/"
        elif word == "COPY":
            source, target = rest.split()
            shutil.copy(PROJECT / source, root.path / target.lstrip("/"))
        elif word == "RUN":
            for step in rest.split(" && "):
                if step.startswith("apt-get install"):
                    assert step.endswith("/tmp/postseal_*.deb")
                    root.install(deb)
                    root.run("systemctl", "stop", "postseald.service")
                elif not step.startswith("apt-get"):
                    root.run("sh", "-c", step)
        elif word == "USER":
            user = rest
        elif word == "ENTRYPOINT":
            command = json.loads(rest)
        elif word == "HEALTHCHECK":
            health = rest.split(" CMD ")[1]
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    yield [*as_user, *command], [*as_user, "sh", "-c", health]
    root.run("dpkg", "-P", "postseal")


def test_second_stage(world, root, container):
    command, health = container
    with subprocess.Popen(root.command(*command)) as process:
        connect().close()
        root.run(*health)
        assert ask("127.0.0.1") == "NOTFOUND "
        root.run("sh", "-c", "kill $0", *root.pids("postseald"))
        assert process.wait(20) == 0
    assert nobody_listens()
    root.run(*health, status=1)
