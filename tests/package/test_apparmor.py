# test_apparmor.py: the AppArmor profile allows all that the daemon does
#
# With AppArmor in the kernel complaints could be counted; where there is none strace tells what a
# run did, as the unit starts it and as root that becomes the user of the configuration, and each
# file, kind of socket and capability is held against the profile's rules.
# SPDX-License-Identifier: BSD-3-Clause
import shutil
import subprocess

import pytest

import apparmor
import strace
from conftest import PROJECT
from test_package import CONFIGURATION, ask, connect

PROFILE = PROJECT / "contrib/apparmor/usr.sbin.postseald"
SOCKETS = """\
user = "postseal"
[[listen]]
address = "inet:127.0.0.1:8461"
protocol = "socketmap"
[[listen]]
address = "unix:/var/spool/postfix/postseal/socketmap.sock"
protocol = "socketmap"
group = "daemon"
[[listen]]
address = "unix:/run/postseal/admin.sock"
protocol = "admin"
[log]
level = "debug"
format = "journal"
"""


@pytest.fixture(scope="module")
def profile() -> apparmor.Profile:
    if not shutil.which("apparmor_parser"):
        pytest.skip("APPARMOR PROFILE NOT TRIED: install apparmor")
    return apparmor.read(PROFILE)


@pytest.fixture(scope="module")
def installed(world, root, deb):
    root.install(deb)
    root.run("systemctl", "stop", "postseald.service")
    for file in (world.trust_anchor, world.root_hints):
        shutil.copy(file, root.path / "etc/postseal")
    shutil.copy(world.ca_file, root.path / "etc/postseal/ca.pem")
    (root.path / "var/spool/postfix/postseal").mkdir(parents=True)
    root.run("chown", "postseal:", "/run/postseal")
    yield root
    for name in ("root.key", "root.hints", "ca.pem"):
        (root.path / "etc/postseal" / name).unlink()
    root.run("dpkg", "-P", "postseal")


def watched(root, tmp_path, *starter: str) -> str:
    """What strace says of a run with lookups, a reload and an end."""
    if not shutil.which("strace"):
        pytest.skip("APPARMOR PROFILE NOT TRIED: install strace")
    output = tmp_path / "strace"
    command = root.command(*starter, "/usr/sbin/postseald")
    with subprocess.Popen(["strace", "-f", "-y", "-qq", "-e", f"trace={strace.CALLS}",
                           "-o", output, *command]):
        connect().close()
        for key in ("dane.example", "sts-one.example", "bogus.example"):
            ask(key)
        root.run("postseal", "explain", "sts-one.example")
        root.run("postseal", "reload")
        root.run("sh", "-c", "kill -HUP $0", *root.pids("postseald"))
        ask("dane.example")
        root.run("sh", "-c", "kill $0", *root.pids("postseald"))
    return output.read_text(encoding="utf-8", errors="replace")


def resolved(root, path: str) -> str:
    """As AppArmor sees it in there: without symbolic links, and with the number of a process; a
    folder ends in "/". strace itself is outside."""
    path = path.removeprefix(str(root.path)) or "/"
    if path.startswith("/proc/self"):
        return path.replace("/proc/self", "/proc/1234", 1)
    path = root.run("readlink", "-m", path).strip()
    return path + "/" if (root.path / path[1:]).is_dir() else path


@pytest.mark.parametrize("as_root", [False, True])
def test_profile_allows_what_the_daemon_does(installed, profile, tmp_path, as_root):
    starter = [] if as_root else ["setpriv", "--reuid=postseal", "--regid=postseal",
                                  "--clear-groups"]
    installed.write("etc/postseal/postseal.toml", (SOCKETS if as_root else "") + CONFIGURATION)
    deeds = strace.read(watched(installed, tmp_path, *starter), "/usr/sbin/postseald", as_root)
    assert len(deeds.files) > 20, "strace is understood"
    assert ("inet", "stream") in deeds.networks
    refused = {path: missing for path, permissions in deeds.files.items()
               if (missing := profile.refuses_file(resolved(installed, path), "".join(permissions)))}
    assert refused == {}
    assert [kind for kind in deeds.networks if profile.refuses_network(*kind)] == []
    assert deeds.capabilities <= profile.capabilities
    assert not as_root or deeds.capabilities == {"chown", "setgid", "setuid"}


@pytest.mark.parametrize("path, wanted, missing", [
    ("/var/lib/postseal/postseal.db", "rwk", ""),
    ("/etc/postseal/postseal.toml", "r", ""),
    ("/etc/postseal/postseal.toml", "rw", "w"),
    ("/usr/sbin/postseald", "rm", ""),
    ("/etc/shadow", "r", "r"),
    ("/root/.ssh/id_ed25519", "r", "r"),
    ("/usr/bin/sh", "m", "m"),
    ("/tmp/x", "w", "w"),
])
def test_profile_as_we_read_it(profile, path, wanted, missing):
    assert profile.refuses_file(path, wanted) == missing


def test_profile_refuses_other_networks(profile):
    assert profile.refuses_network("packet", "raw")
    assert "sys_admin" not in profile.capabilities
