# test_privileges.py: what the running daemon has given up
# SPDX-License-Identifier: BSD-3-Clause
import grp
import os
import pathlib
import pwd
import shutil
import tempfile

import pytest

from daemon import program
from world.processes import run

USER = "daemon"  # every system has it, with a group of its own
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapAmb")
OVERRIDE = "strange.example may\n"


@pytest.fixture
def open_folder():
    """Not below pytest's own, which only root may enter."""
    with tempfile.TemporaryDirectory(prefix="postseal-") as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


@pytest.fixture
def configured(world, new_daemon, open_folder):
    """A daemon that has not been started: `configured(user)` gives it to that user."""

    def configure(user: str, owner: str = "", under=(), **changes):
        daemon = new_daemon(**changes)
        settings = daemon.with_settings(user=user)
        folder = open_folder / "daemon"
        for name in ("etc", "run", "state"):
            (folder / name).mkdir(parents=True)
            shutil.chown(folder / name, user or owner or "root")
        for name, file in (("root.key", world.trust_anchor), ("root.hints", world.root_hints),
                           ("ca.pem", world.ca_file)):
            shutil.copy(file, folder / "etc" / name)
            (folder / "etc" / name).chmod(0o644)
        settings["state_dir"] = str(folder / "state")
        settings["dns"] = {"trust_anchor": [str(folder / "etc" / "root.key")],
                           "root_hints": str(folder / "etc" / "root.hints"),
                           "private_name_servers": ["127.0.0.0/8"]}
        settings["https"]["ca_file"] = str(folder / "etc" / "ca.pem")
        settings["verdict"] = {"overrides": str(folder / "etc" / "overrides")}
        daemon.folder = folder / "run"
        daemon.unix_socket = folder / "run" / "socketmap.sock"
        settings["listen"][1]["address"] = f"unix:{daemon.unix_socket}"
        settings["listen"][2]["address"] = f"unix:{folder / 'run' / 'admin.sock'}"
        daemon.configuration = folder / "etc" / "postseal.toml"
        daemon.settings = settings
        daemon.write_configuration(settings)
        daemon.configuration.chmod(0o644)
        daemon.enter_command = list(under)
        daemon.start()
        return daemon

    return configure


def status_of(task: pathlib.Path) -> dict[str, str]:
    lines = (task / "status").read_text(encoding="ascii").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def landlock_version(daemon) -> int:
    """Of the log; skips the test where the kernel has none."""
    daemon.wait_for_log("info started ")
    log = daemon.log.read_text(encoding="utf-8")
    if "no-sandbox" in log:
        pytest.skip("NOT TRIED WHETHER FILES ARE OUT OF REACH: THIS KERNEL HAS NO LANDLOCK")
    assert "seccomp=yes" in log
    return int(log.partition("sandbox landlock=")[2].split()[0])


def test_who_may_ask_is_said_with_the_command_for_it(configured):
    daemon = configured(USER)
    admin = daemon.folder / "admin.sock"

    def ask(*groups: str) -> tuple[int, str]:
        of_groups = [f"--groups={','.join(groups)}"] if groups else ["--clear-groups"]
        result = run(["setpriv", "--reuid=nobody", "--regid=nogroup", *of_groups,
                      program("postseal"), "--config", str(daemon.configuration), "stats"])
        return result.returncode, result.stderr

    shutil.chown(admin, group=USER)
    refused = f"postseal: cannot talk to postseald at {admin}: Permission denied; "
    assert ask() == (69, f"{refused}members of group {USER} may: sudo adduser $USER {USER}, then "
                         "log in again; or use sudo\n")
    assert ask(USER) == (0, "")
    for group, mode in (("root", 0o660), (USER, 0o600)):
        shutil.chown(admin, group=group)
        admin.chmod(mode)
        assert ask() == (69, f"{refused}root may: use sudo\n")


def test_what_proc_shows(configured):
    """Of every thread: user, groups, capabilities, and what it can never get again."""
    daemon = configured(USER)
    assert daemon.ask("sts-one.example").startswith("OK secure")
    user = pwd.getpwnam(USER)
    process = pathlib.Path("/proc") / str(daemon.process.pid)
    threads = [status_of(task) for task in (process / "task").iterdir()]
    assert len(threads) >= 4, "the loop, libunbound's, HTTPS, SQLite"
    groups = {str(user.pw_gid), *(str(g.gr_gid) for g in grp.getgrall() if USER in g.gr_mem)}
    for thread in threads:
        assert thread["Uid"].split() == [str(user.pw_uid)] * 4
        assert thread["Gid"].split() == [str(user.pw_gid)] * 4
        assert set(thread["Groups"].split()) == groups
        assert {int(thread[name], 16) for name in CAPABILITIES} == {0}
        assert int(thread["CapBnd"], 16) == 0
        assert thread["NoNewPrivs"] == "1"
        assert thread["Seccomp"] == "2", "a filter"
        assert thread["Umask"] == "0027"
    limits = (process / "limits").read_text(encoding="ascii").splitlines()
    core, = (line for line in limits if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    # The kernel gives the files of a process that no other may look into to root.
    assert (process / "environ").stat().st_uid == 0
    database = daemon.folder.parent / "state" / "postseal.db"
    assert (database.stat().st_uid, database.stat().st_mode & 0o777) == (user.pw_uid, 0o640)
    assert daemon.stop() == 0
    assert not daemon.unix_socket.exists()


def test_an_ambient_capability_ends_with_binding(configured):
    """As systemd's AmbientCapabilities gives it: a port below 1024 is bound, and no other later."""
    under = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
             "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
    low = {"address": "inet:127.0.0.1:99", "protocol": "socketmap"}
    daemon = configured("", owner=USER, under=under, listen=[low])
    daemon.wait_for_log("info started")  # the last listener is there, too
    daemon.connect_to(99).close()
    for task in (pathlib.Path("/proc") / str(daemon.process.pid) / "task").iterdir():
        thread = status_of(task)
        assert thread["Uid"].split() == [str(pwd.getpwnam(USER).pw_uid)] * 4
        assert {int(thread[name], 16) for name in CAPABILITIES} == {0}, thread
    another = {"address": "inet:127.0.0.1:98", "protocol": "socketmap"}
    daemon.write_configuration(daemon.with_settings(
        listen=[*daemon.settings["listen"], another]))
    said = daemon.admin("reload")
    assert not said["ok"] and "98" in said["error"] and "Permission denied" in said["error"], said


def test_cannot_open_what_it_does_not_need(configured, open_folder):
    """The overrides become a link to a file that anybody may read."""
    daemon = configured("")
    landlock_version(daemon)
    outside = open_folder / "outside"
    outside.write_text(OVERRIDE, encoding="ascii")
    overrides = daemon.configuration.parent / "overrides"
    overrides.symlink_to(outside)
    said = daemon.admin("reload-overrides")
    assert not said["ok"]
    assert "Permission denied" in said["error"]
    said = daemon.admin("reload")
    assert not said["ok"]
    assert str(open_folder) in said["error"] and "restart it" in said["error"]
    overrides.unlink()
    overrides.write_text(OVERRIDE, encoding="ascii")
    assert daemon.admin("reload-overrides")["ok"]
    assert daemon.ask("strange.example") == "OK may"


def test_switched_off(configured, open_folder):
    """The control: the same link is read."""
    daemon = configured("", sandbox={"enabled": False})
    outside = open_folder / "outside"
    outside.write_text(OVERRIDE, encoding="ascii")
    (daemon.configuration.parent / "overrides").symlink_to(outside)
    assert daemon.admin("reload-overrides")["ok"]
    assert daemon.ask("strange.example") == "OK may"
    daemon.wait_for_log("info started ")
    assert "landlock=" not in daemon.log.read_text(encoding="utf-8")


def test_reload_and_take_over_as_another_user(configured):
    """New sockets, a renewed CA file and a successor."""
    daemon = configured(USER)
    assert daemon.ask("sts-one.example").startswith("OK secure")
    extra = daemon.folder / "extra.sock"
    listen = [*daemon.settings["listen"], {"address": f"unix:{extra}", "protocol": "socketmap"}]
    ca_file = daemon.configuration.parent / "ca.pem"
    renewed = ca_file.with_suffix(".new")
    shutil.copy(ca_file, renewed)
    renewed.write_text(renewed.read_text() + "\n", encoding="ascii")
    renewed.rename(ca_file)
    daemon.write_configuration(daemon.with_settings(listen=listen))
    assert sorted(daemon.admin("reload")["changed"]) == ["https", "listen"]
    assert extra.exists()
    assert daemon.ask("sts-one.example").startswith("OK secure")
    daemon.write_configuration(daemon.settings)
    daemon.take_over()
    assert not extra.exists(), "removed by the successor"
    assert daemon.ask("sts-two.example").startswith("OK secure")
    landlock_version(daemon)


def test_state_folder_of_another_user(configured):
    """What root may write and the daemon's user may not."""
    daemon = configured(USER)
    daemon.stop()
    state = daemon.folder.parent / "state"
    for file in [state, *state.iterdir()]:
        shutil.chown(file, "root")
    state.chmod(0o700)
    result = run(daemon.command())
    assert result.returncode == 78
    assert f"make {state} writable for user {USER}" in result.stderr
