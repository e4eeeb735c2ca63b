# sick_postfix.py: a Postfix that is configured and does not run, for the doctor to examine
#
# postconf(1) is a real one, of any release, or a script that says what a text says.
# SPDX-License-Identifier: BSD-3-Clause
import json
import pathlib
import shlex
import socket
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.rrset

from daemon import Daemon, program, to_toml
from postfix import Postfix
from postfix_release import Release

# The folder is /mnt in a mount namespace of its own.
REAL_PROGRAM = """\
#!/bin/sh
exec unshare --mount sh -ec 'mount --bind "$1" "$0/mnt"; root=$0; shift
    exec chroot "$root" /usr/sbin/{program} "$@"' {root} {folder} "$@"
"""
FAKE_POSTCONF = """\
#!/bin/sh
folder=${0%/*}
case "$*" in
*-P*) cat "$folder/options" ;;
*-M*) cat "$folder/services" ;;
*-d*) ;;
*-n*) cat "$folder/named" ;;
*-x*) cat "$folder/expanded" ;;
*) exit 1 ;;
esac
"""


class Patient:
    """Postfix and postseal.toml, which fit; `settings` go into main.cf."""

    def __init__(self, folder: pathlib.Path, daemon: Daemon, release: Release | None,
                 **settings: str) -> None:
        self.folder = folder
        self.daemon = daemon
        self.resolv_conf = folder / "resolv.conf"
        self.resolv_conf.write_text("nameserver 127.0.0.1\n", encoding="ascii")
        self.postconf = folder / "postconf"
        self.queue = folder / "queue"
        self.queue.mkdir()
        self.settings = {
            "compatibility_level": "3.6",
            "queue_directory": str(self.queue),
            "mydestination": "",
            "myhostname": "relay.test",
            "smtp_dns_support_level": "dnssec",
            "smtp_tls_CAfile": "/etc/ssl/certs/ca-certificates.crt",
            "smtp_tls_security_level": "dane",
            **settings,
        }
        self.chroot = "n"
        self.options: dict[str, str] = {}  # of the service smtp
        if release is not None:
            map_name = "tlsrpt" if release.version >= (3, 10) else "postfix"
            self.settings.setdefault("smtp_tls_policy_maps", daemon.socketmap(map_name))
            for program_ in ("postconf", "postmap"):
                self._script(REAL_PROGRAM.format(root=release.root, folder=folder,
                                                 program=program_), program_)

    def _script(self, text: str, name: str = "postconf") -> None:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def write(self) -> None:
        """main.cf and master.cf."""
        main = "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        (self.folder / "main.cf").write_text(main, encoding="utf-8")
        options = "".join(f" -o {name}={value}" for name, value in self.options.items())
        (self.folder / "master.cf").write_text(
            f"smtp unix - - {self.chroot} - - smtp{options}\n"
            "pickup unix n - n 60 1 pickup\n", encoding="utf-8")

    def say(self, *, version: str, **changes: str) -> None:
        """A fake postconf, of that version."""
        named = {**self.settings, **changes}
        expanded = {"mail_version": version, "mail_owner": "postfix", "smtp_host_lookup": "dns",
                    "smtp_tls_dane_insecure_mx_policy": "dane", **named}
        for name, values in (("named", named), ("expanded", expanded)):
            text = "".join(f"{key} = {value}\n" for key, value in values.items())
            (self.folder / name).write_text(text, encoding="utf-8")
        (self.folder / "services").write_text(f"smtp unix - - {self.chroot} - - smtp\n")
        (self.folder / "options").touch()
        self._script(FAKE_POSTCONF)

    def run(self, *options: str) -> subprocess.CompletedProcess:
        return self.daemon.tool("doctor", "--postconf", str(self.postconf), "--postfix-config",
                                "/mnt", "--resolv-conf", str(self.resolv_conf), *options)

    def examine(self) -> list[dict]:
        result = self.run("--json")
        assert result.returncode in (0, 1), result.stderr
        findings = json.loads(result.stdout)
        ill = any(finding["severity"] == "problem" for finding in findings)
        assert result.returncode == int(ill)
        return findings

    def carry_out(self, fix: dict) -> None:
        """What the doctor has said, as the operator would do it."""
        command = fix.get("command")
        if command is None:
            self._configure(fix)
        elif command == "postseal reload":
            result = self.daemon.tool("reload")
            assert result.returncode == 0, result.stderr
        elif command == "systemctl start postseald":
            self.daemon.start()
        elif command != "apt install unbound":
            assert shlex.split(command)[0] in (str(self.postconf), "chmod"), command
            subprocess.run(["sh", "-ec", command], check=True, timeout=60)

    def _configure(self, fix: dict) -> None:
        if fix["file"] == str(self.resolv_conf):
            self.resolv_conf.write_text(fix["line"] + "\n", encoding="ascii")
            return
        assert fix["file"] == str(self.daemon.configuration)
        name, value = fix["line"].split(" = ")
        settings = self.daemon.settings
        if fix["table"] in ("[verdict]", "[dns]"):
            settings.setdefault(fix["table"].strip("[]"), {})[name] = json.loads(value)
        elif fix["table"] == "a new [[listen]]":
            settings["listen"].append({name: json.loads(value)})
        else:
            [listen] = [listen for listen in settings["listen"]
                        if fix["table"] == f"[[listen]] of {listen['address']}"]
            listen[name] = json.loads(value)
        self.daemon.configuration.write_text(to_toml(settings), encoding="utf-8")


def tools_of(postfix: Postfix, folder: pathlib.Path, visible: pathlib.Path | None = None,
             transport: str = "smtp") -> pathlib.Path:
    """Its postconf, and its postmap beside it, as programs of this machine. `visible`: where its
    /mnt is here, and postconf(1) says so; and that `transport` is the default one."""
    for name in ("postconf", "postmap"):
        script = folder / name
        command = shlex.join(postfix.in_tree(f"/usr/sbin/{name}")) + ' "$@"'
        if visible and name == "postconf":
            command += (f" | sed 's#/mnt/#{visible}/#g; "
                        f"s#^default_transport = .*#default_transport = {transport}#'")
        script.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        script.chmod(0o755)
    return folder / "postconf"


def examine_running(daemon: Daemon, postfix: Postfix, folder: pathlib.Path,
                    visible: pathlib.Path | None = None) -> list[dict]:
    """What the doctor says of a Postfix that runs. `visible`: as for tools_of()."""
    postconf = tools_of(postfix, folder, visible)
    resolv_conf = folder / "resolv.conf"
    resolv_conf.write_text("nameserver 127.0.0.1\n", encoding="ascii")
    result = daemon.tool("doctor", "--json", "--postconf", str(postconf),
                         "--postfix-config", "/mnt/etc", "--resolv-conf", str(resolv_conf))
    assert result.returncode in (0, 1), result.stderr
    return json.loads(result.stdout)


class OldSignature:
    """A name server whose root is signed for a day, `shift` seconds from now."""

    def __init__(self, address: str, shift: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._begin = int(time.time()) + shift
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "OldSignature":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            self._socket.sendto(self._answer(dns.message.from_wire(query)).to_wire(), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AD
        reply.answer = [
            dns.rrset.from_text(".", 60, "IN", "SOA", "a. b. 1 2 3 4 5"),
            dns.rrset.from_text(".", 60, "IN", "RRSIG", f"SOA 8 0 60 {self._begin + 86400} "
                                                        f"{self._begin} 1 . AAAA"),
        ]
        return reply


def doctor(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([program("postseal"), "doctor", *arguments], capture_output=True,
                          text=True, timeout=60, check=False)
