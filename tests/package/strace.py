# strace.py: what a run of a program did, in AppArmor's words
#
# Read from "strace -f -y -e trace=%file,%network,%creds,mmap,fcntl,flock,chown": files with the
# permissions that each call needs, families and types of sockets, and capabilities.
# SPDX-License-Identifier: BSD-3-Clause
import posixpath
import re
from dataclasses import dataclass, field

CALLS = "%file,%network,%creds,mmap,fcntl,flock,fchown,fchmod"
WRITING = ("mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2",
           "link", "linkat", "symlink", "symlinkat", "mknod", "chmod", "fchmodat", "chown",
           "fchownat", "lchown", "truncate", "utimensat")
CAPABILITIES = {"setuid": "setuid", "setresuid": "setuid", "setreuid": "setuid",
                "setgid": "setgid", "setresgid": "setgid", "setgroups": "setgid",
                "chown": "chown", "fchownat": "chown", "lchown": "chown", "fchown": "chown"}


@dataclass
class Deeds:
    files: dict[str, set[str]] = field(default_factory=dict)
    networks: set[tuple[str, str]] = field(default_factory=set)
    capabilities: set[str] = field(default_factory=set)


def read(text: str, program: str, privileged: bool) -> Deeds:
    """Of `program`, from its execve() on; `privileged`: it was started as root."""
    deeds = Deeds()
    started = False
    for line in _whole_calls(text):
        found = re.match(r"(\d+)\s+(\w+)\((.*)\)\s+= (\S+)(?: (\w+))?", line)
        if not found:
            continue
        _, call, arguments, result, error = found.groups()
        if call == "execve" and result == "0":
            started = started or arguments.startswith(f'"{program}"')
            continue
        # What is not there is not judged by AppArmor.
        if started and not (result == "-1" and error in ("ENOENT", "ENOTDIR", "EEXIST")):
            _note(deeds, call, arguments, privileged)
    assert started, f"{program} was not seen"
    return deeds


def _whole_calls(text: str):
    """A call that another thread's interrupts is written in two lines."""
    begun: dict[str, str] = {}
    for line in text.splitlines():
        process = line.split(None, 1)[0]
        if line.endswith(" <unfinished ...>"):
            begun[process] = line.removesuffix(" <unfinished ...>")
        elif resumed := re.match(r"\d+\s+<\.\.\. \w+ resumed>(.*)", line):
            yield begun.pop(process, "") + resumed.group(1)
        else:
            yield line


def _note(deeds: Deeds, call: str, arguments: str, privileged: bool) -> None:
    if privileged and call in CAPABILITIES:
        deeds.capabilities.add(CAPABILITIES[call])
    if call == "socket":
        family, kind = re.match(r"AF_(\w+), SOCK_(\w+)", arguments).groups()
        deeds.networks.add((family.lower(), kind.lower()))
    elif call in ("bind", "connect", "sendto", "sendmsg"):
        if path := re.search(r'sun_path="(/[^"]*)"', arguments):
            _add(deeds, path.group(1), "w")
    elif call in ("open", "openat") and "O_PATH" in arguments:
        pass  # names a file, as for Landlock, and opens nothing: AppArmor is not asked
    elif call in ("open", "openat"):
        writes = re.search(r"O_WRONLY|O_RDWR|O_CREAT", arguments)
        reads = "O_WRONLY" not in arguments
        _add(deeds, _path(arguments), ("r" if reads else "") + ("w" if writes else ""))
    elif call == "mmap" and "PROT_EXEC" in arguments:
        if path := re.search(r"\d+<(/[^>]*)>", arguments):
            _add(deeds, path.group(1), "m")
    elif call == "flock" or call == "fcntl" and re.search(r"F_(OFD_)?SETLKW?\b", arguments):
        _add(deeds, re.search(r"<([^>]*)>", arguments).group(1), "k")
    elif call in WRITING:
        for path in re.findall(r'"([^"]*)"', arguments):
            _add(deeds, _path(arguments) if path == _first(arguments) else path, "w")


def _first(arguments: str) -> str:
    return re.search(r'"([^"]*)"', arguments).group(1)


def _path(arguments: str) -> str:
    folder = re.match(r"(?:AT_FDCWD|\d+)<([^>]*)>", arguments)
    return posixpath.join(folder.group(1) if folder else "/", _first(arguments))


def _add(deeds: Deeds, path: str, permissions: str) -> None:
    if path.startswith("/"):
        deeds.files.setdefault(posixpath.normpath(path), set()).update(permissions)
