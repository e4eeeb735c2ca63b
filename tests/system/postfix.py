# postfix.py: a running Postfix that sends mail, and what became of it
#
# In a mount namespace of its own its folder is /mnt and /etc/resolv.conf is ours; master(8) runs
# there in the foreground, in the tree of its release. Of the system's own Postfix only the programs
# are used.
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import re
import shutil
import smtplib
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass

from postfix_release import Release
from world import processes

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = /mnt/queue
data_directory = /mnt/data
maillog_file = /mnt/log
maillog_file_prefixes = /mnt
myhostname = relay.test
mydestination =
mynetworks = 127.0.0.1
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
notify_classes =
smtputf8_enable = yes
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = dnssec
smtp_tls_CAfile = /mnt/ca.pem
smtp_tls_loglevel = 1
"""
MASTER_CF = """\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
retry unix - - n - - error
error unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
QUEUES = (
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop",
    "pid", "private", "public", "saved", "trace",
)
# /dev: a tree of its own may lack it.
ENTER = """\
mount --bind "$2" "$1/mnt"
mount --bind "$3" "$1/etc/resolv.conf"
[ "$1" = / ] || mount --rbind /dev "$1/dev"
root=$1
shift 3
exec chroot "$root" "$@"
"""
MASTER = ["/usr/lib/postfix/sbin/master", "-c", "/mnt/etc", "-d"]
STARTUP = 20  # seconds

_SMTP_LINE = re.compile(r"postfix/(?:\w+/)?(?:smtp|error)\[(\d+)\]: (.*)")
_TLS = re.compile(r"(?:\w+: )?(\w+) TLS connection established to ")
_STATUS = re.compile(
    r"\w+: to=<([^>]*)>,.* relay=([^,\[]*)(?:\[([^\]]*)\])?[^,]*,.* status=(\w+) \((.*)\)$"
)


@dataclass(frozen=True)
class Outcome:
    status: str  # sent, deferred, bounced
    host: str  # "none" if it came to none
    address: str | None
    tls: str  # Verified, Trusted, Untrusted, Anonymous or none: the last connection
    text: str  # of the last status, and the warnings before it


def in_tree(release: Release, folder: pathlib.Path, resolv_conf: pathlib.Path | str,
            *command: str) -> list[str]:
    """The command, run in the tree of its release, where `folder` is /mnt."""
    return ["unshare", "--mount", "sh", "-ec", ENTER, "sh",
            str(release.root), str(folder), str(resolv_conf), *command]


def uid(release: Release) -> int:
    """Of the user postfix."""
    users = (release.root / "etc/passwd").read_text(encoding="utf-8")
    return int(re.search(r"^postfix:[^:]*:(\d+):", users, re.MULTILINE)[1])


def policy_map(release: Release) -> str:
    """What it asks postseald for."""
    return "tlsrpt" if release.version >= (3, 10) else "postfix"


class Postfix:
    def __init__(self, release: Release, folder: pathlib.Path, port: int, *,
                 ca_file: pathlib.Path, resolv_conf: pathlib.Path, settings: dict[str, str],
                 services: str = "", files: dict[str, str] | None = None) -> None:
        """`settings` go into main.cf, `services` into master.cf, `files` beside them, for root."""
        self.port = port
        self._release = release
        self.folder = folder
        self._resolv_conf = resolv_conf
        self._log = folder / "log"
        self._process: subprocess.Popen | None = None
        self._make_folders()
        shutil.copy(ca_file, folder / "ca.pem")
        lines = MAIN_CF + "".join(f"{name} = {value}\n" for name, value in settings.items())
        main_cf = folder / "etc" / "main.cf"
        main_cf.write_text(lines, encoding="utf-8")
        # Postfix waits until the file is two seconds old.
        os.utime(main_cf, (time.time() - 60,) * 2)
        # The last to listen: when it does, all do.
        own = f"127.0.0.1:{port} inet n - n - - smtpd\n"
        master_cf = MASTER_CF + services + own
        (folder / "etc" / "master.cf").write_text(master_cf, encoding="ascii")
        for name, text in (files or {}).items():
            (folder / "etc" / name).touch(mode=0o600)
            (folder / "etc" / name).write_text(text, encoding="ascii")

    def _make_folders(self) -> None:
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        owner = uid(self._release)
        for name in ("etc", "data", "queue", *(f"queue/{queue}" for queue in QUEUES)):
            folder = self.folder / name
            folder.mkdir()
            if name not in ("etc", "queue", "queue/pid"):
                os.chown(folder, owner, -1)

    def __enter__(self) -> "Postfix":
        # Not somebody else's server, which would be taken for smtpd(8).
        socket.create_server(("127.0.0.1", self.port)).close()
        command = in_tree(self._release, self.folder, self._resolv_conf, *MASTER)
        # master(8) ends its children by the process group.
        self._process = processes.start(
            command, self.folder / "master.log", start_new_session=True
        )
        end = time.monotonic() + STARTUP
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return self
            except OSError:
                assert self._process.poll() is None and time.monotonic() < end, self.log_text()
                time.sleep(0.05)

    def __exit__(self, *_) -> None:
        assert self._process
        processes.stop(self._process)

    def in_tree(self, *command: str) -> list[str]:
        """The command, as one of its own programs runs."""
        return in_tree(self._release, self.folder, self._resolv_conf, *command)

    def log_text(self) -> str:
        logs = (self.folder / "master.log", self._log)
        return "".join(log.read_text(errors="replace") for log in logs if log.exists())

    def client(self, port: int | None = None) -> smtplib.SMTP:
        """`port`: of another smtpd(8) among the services."""
        try:
            return smtplib.SMTP("127.0.0.1", port or self.port, timeout=30)
        except (OSError, smtplib.SMTPException) as error:
            raise AssertionError(f"no greeting of smtpd(8): {error}\n{self.log_text()}") from error

    def send(self, recipients: Iterable[str], header: str = "") -> None:
        """A message each, from the null sender: what cannot be delivered is not sent back."""
        with self.client() as client:
            client.ehlo()
            for recipient in recipients:
                message = f"{header}To: <{recipient}>\nSubject: a test\n\nHello.\n"
                options = [] if recipient.isascii() else ["SMTPUTF8"]
                client.sendmail("", [recipient], message.encode(), options)

    def send_one(self, recipients: list[str]) -> None:
        """One message to them all, in ASCII, from the null sender."""
        with self.client() as client:
            client.sendmail("", recipients, "To: undisclosed-recipients:;\n\nHello.\n")

    def outcomes(self, recipients: Iterable[str], patience: float) -> dict[str, Outcome]:
        """By recipient, once all are decided or `patience` seconds are over."""
        end = time.monotonic() + patience
        wanted = set(recipients)
        while True:
            found = read_outcomes(self.log_text())
            if wanted <= found.keys() or time.monotonic() > end:
                return found
            time.sleep(0.1)


def read_outcomes(log: str) -> dict[str, Outcome]:
    """An smtp(8) process delivers one message after another: the TLS lines and warnings of a
    delivery are those of the same process before its status."""
    found: dict[str, Outcome] = {}
    tls: dict[str, str] = {}
    warnings: dict[str, list[str]] = {}
    for line in log.splitlines():
        if not (match := _SMTP_LINE.search(line)):
            continue
        process, message = match.groups()
        if level := _TLS.match(message):
            tls[process] = level[1]
        elif status := _STATUS.match(message):
            recipient, host, address, status_, text = status.groups()
            text = " | ".join([text, *warnings.pop(process, [])])
            found[recipient] = Outcome(status_, host, address, tls.pop(process, "none"), text)
        else:
            warnings.setdefault(process, []).append(message)
    return found
