# test_package.py: the package's life in a fresh Debian, in this order: installed, asked, upgraded,
# run by OpenRC, removed, purged
# SPDX-License-Identifier: BSD-3-Clause
import re
import shutil
import socket
import subprocess
import time

import pytest

from conftest import PROJECT
from socketmap import Connection

PORT = 8461
PATIENCE = 20  # seconds
# What it makes when a machine starts.
OPENRC_FOLDERS = ["daemons", "exclusive", "failed", "hotplugged", "inactive", "options",
                  "scheduled", "started", "starting", "stopping", "tmp", "wasinactive"]
CONFIGURATION = """\
# edited by the operator
[dns]
trust_anchor = ["/etc/postseal/root.key"]
root_hints = "/etc/postseal/root.hints"
private_name_servers = ["127.0.0.0/8"]
[https]
ca_file = "/etc/postseal/ca.pem"
allow_private = true
"""


def ask(key: str) -> str:
    with Connection(connect()) as connection:
        return connection.ask("postfix", key)


def connect() -> socket.socket:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT), timeout=PATIENCE)
        except OSError:
            assert time.monotonic() < end, "nobody listens"
            time.sleep(0.05)


def nobody_listens() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) != 0


def pid(root) -> str:
    return root.read("run/postseald.pid").strip()


def asked_of_systemctl(root) -> list[str]:
    lines = root.read("var/log/systemctl").splitlines()
    return [line for line in lines if line.split()[0] in ("start", "stop", "restart")]


@pytest.fixture(scope="module")
def newer(unpacked, deb, tmp_path_factory):
    """The same package with a higher version and other defaults in its configuration."""
    folder = tmp_path_factory.mktemp("newer")
    shutil.copytree(unpacked, folder / "tree", symlinks=True, dirs_exist_ok=True)
    control = folder / "tree/DEBIAN/control"
    text = control.read_text(encoding="utf-8")
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+newer", text, flags=re.MULTILINE),
                       encoding="utf-8")
    for name in ("postseal.toml", "overrides"):
        with open(folder / "tree/etc/postseal" / name, "a", encoding="utf-8") as file:
            file.write("# new in this version\n")
    result = folder / deb.name.replace("_", "-newer_", 1)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", folder / "tree", result],
                   check=True, capture_output=True)
    return result


def test_hardened(unpacked):
    for program in ("usr/sbin/postseald", "usr/bin/postseal"):
        said = subprocess.run(["readelf", "-hldsW", unpacked / program], capture_output=True,
                              text=True, check=True).stdout
        assert re.search(r"Type:\s+DYN", said), "position independent"
        assert "GNU_RELRO" in said and re.search(r"\bNOW\b", said), "all relocations read-only"
        assert re.search(r"GNU_STACK\s.* RW ", said), "no executable stack"
        assert "__stack_chk_fail" in said, "stack protector"
        assert re.search(r"__\w+_chk\b", said.replace("__stack_chk_fail", "")), "fortified"


def test_install(world, root, deb):
    root.install(deb)
    assert root.run("dpkg-query", "-W", "-f", "${Status}", "postseal") == "install ok installed"
    connect().close()
    assert asked_of_systemctl(root)[-1] == "start postseald.service"
    assert root.exists("etc/systemd/system/multi-user.target.wants/postseald.service")
    assert not root.exists("etc/systemd/system/sockets.target.wants/postseald.socket")
    entry = root.run("getent", "passwd", "postseal").strip().split(":")
    assert entry[5:] == ["/var/lib/postseal", "/usr/sbin/nologin"]
    assert root.run("stat", "-c", "%U:%G %a", "/var/lib/postseal").strip() == "postseal:postseal 750"
    assert root.pids("postseald") == [pid(root)]
    owner = root.run("stat", "-c", "%U", f"/proc/{pid(root)}").strip()
    assert owner == "postseal", "as the unit says"
    root.run("postseal", "check-config")


def test_query(world, root):
    root.write("etc/postseal/postseal.toml", CONFIGURATION)
    for file in (world.trust_anchor, world.root_hints):
        shutil.copy(file, root.path / "etc/postseal")
    shutil.copy(world.ca_file, root.path / "etc/postseal/ca.pem")
    root.run("systemctl", "restart", "postseald.service")
    assert ask("dane.example") == "OK dane-only"
    assert ask("sts-one.example") == "OK secure match=mx.sts-one.example servername=hostname"
    assert root.run("postseal", "explain", "sts-one.example").startswith("sts-one.example: enforce")


def test_upgrade(world, root, newer):
    before = pid(root)
    root.install(newer, "--force-confold")
    assert asked_of_systemctl(root)[-1] == "restart postseald.service"
    assert pid(root) != before
    connect().close()
    assert root.read("etc/postseal/postseal.toml") == CONFIGURATION, "the operator's"
    assert "new in this version" in root.read("etc/postseal/postseal.toml.dpkg-dist")
    assert "new in this version" in root.read("etc/postseal/overrides"), "was as delivered"
    assert "enforce" in root.run("postseal", "show", "sts-one.example"), "known before"
    assert ask("sts-one.example").startswith("OK secure ")


def test_openrc(world, root):
    root.run("systemctl", "stop", "postseald.service")
    assert nobody_listens()
    shutil.copy(PROJECT / "contrib/openrc/postseald", root.path / "etc/init.d/postseald")
    for folder in OPENRC_FOLDERS:
        (root.path / "run/openrc" / folder).mkdir(parents=True)
    root.write("run/openrc/softlevel", "default\n")
    root.run("rc-service", "postseald", "start")
    assert ask("dane.example") == "OK dane-only"
    (process,) = root.pids("postseald")
    assert root.run("stat", "-c", "%U", f"/proc/{process}").strip() == "postseal"
    root.run("rc-service", "postseald", "reload")
    assert "info reloaded" in root.read("var/log/postseald.log")
    kept = root.read("etc/postseal/postseal.toml")
    root.write("etc/postseal/postseal.toml", "nonsense = 1\n")
    assert "nonsense" in root.run("rc-service", "postseald", "restart", status=1)
    root.write("etc/postseal/postseal.toml", kept)
    root.run("rc-service", "postseald", "stop")
    assert nobody_listens()
    (root.path / "etc/init.d/postseald").unlink()
    root.run("systemctl", "start", "postseald.service")
    connect().close()


def test_remove(world, root):
    root.run("dpkg", "-r", "postseal")
    assert asked_of_systemctl(root)[-1] == "stop postseald.service"
    assert nobody_listens()
    assert not root.exists("usr/sbin/postseald")
    assert root.exists("var/lib/postseal/postseal.db"), "the memory of promises"
    assert root.read("etc/postseal/postseal.toml") == CONFIGURATION


def test_purge(world, root):
    for name in ("root.key", "root.hints", "ca.pem"):
        (root.path / "etc/postseal" / name).unlink()
    root.run("dpkg", "-P", "postseal")
    for gone in ("var/lib/postseal", "etc/postseal", "run/postseal",
                 "etc/apparmor.d/usr.sbin.postseald", "etc/logcheck/ignore.d.server/postseal",
                 "etc/systemd/system/multi-user.target.wants/postseald.service"):
        assert not root.exists(gone), gone
    root.run("getent", "passwd", "postseal")
    root.run("dpkg-query", "-W", "postseal", status=1)
