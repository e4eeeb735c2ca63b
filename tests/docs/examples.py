# examples.py: postfix-examples/ as an operator applies them, in a configuration folder of Postfix
#
# The lines for main.cf are added, a service of master.cf takes the place of the one of its name and
# type, files beside them are copied. tests/system does it with other versions of Postfix, too.
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable

from mdoc import PROJECT

FOLDER = PROJECT / "postfix-examples"
EXAMPLES = sorted(path.parent for path in FOLDER.glob("*/main.cf"))
NOT_FOR_POSTFIX = {"README", "main.cf", "master.cf", "overrides", "postseal.toml"}
# Parameters that an older Postfix does not know, and since when one does.
SINCE = {"smtp_requiretls_policy": (3, 11)} | dict.fromkeys(
    ("smtp_tlsrpt_enable", "smtp_tlsrpt_socket_name", "smtp_tlsrpt_skip_reused_handshakes"),
    (3, 10),
)
# "postfix check" logs to this file in the configuration folder.
LOG = "log"


def settings(text: str) -> dict[str, str]:
    """main.cf's names and values; lines that continue are joined."""
    joined = re.sub(r"\n[ \t]+", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return dict(re.split(r" *= *", line, maxsplit=1) for line in joined.splitlines() if "=" in line)


def main_cf(example: pathlib.Path) -> dict[str, str]:
    return settings((example / "main.cf").read_text(encoding="utf-8"))


def unknown(names: Iterable[str], version: tuple[int, ...]) -> set[str]:
    """Those that this version of Postfix is too old for."""
    return {name for name in names if version < SINCE.get(name, version)}


def services_of(example: pathlib.Path) -> str:
    file = example / "master.cf"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def services(text: str) -> dict[tuple[str, str], str]:
    """master.cf's services by name and type; the options of each are among its lines."""
    found: dict[tuple[str, str], str] = {}
    last = ("", "")
    for line in text.splitlines(keepends=True):
        if line.startswith("#") or not line.strip():
            continue
        if not line[0].isspace():
            name, kind = line.split()[:2]
            last = name, kind
            found[last] = ""
        found[last] += line
    return found


def apply(folder: pathlib.Path, base: str, example: dict[str, str], master_cf: str = "",
          files: Iterable[pathlib.Path] = ()) -> None:
    """`folder` has a master.cf; `base` is what main.cf needs here whatever the example is."""
    lines = "".join(f"{name} = {value}\n" for name, value in example.items())
    (folder / "main.cf").write_text(base + lines, encoding="utf-8")
    master = folder / "master.cf"
    applied = services(master.read_text(encoding="utf-8")) | services(master_cf)
    master.write_text("".join(applied.values()), encoding="utf-8")
    for file in files:
        shutil.copy(file, folder)


def files_of(example: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in sorted(example.iterdir()) if path.name not in NOT_FOR_POSTFIX]


def postconf_faults(run: Callable, folder: str, expected: dict[str, str]) -> list[str]:
    """What postconf finds wrong in `folder`, and what it understands otherwise than `expected`;
    `run` runs a command and has its result."""
    result = run("postconf", "-c", folder, "-n")
    values = settings(result.stdout)
    misread = [f"{name} = {values.get(name)}" for name, value in expected.items()
               if values.get(name, "").split() != value.split()]
    return _complaints(result) + misread


def check_faults(run: Callable, folder: str) -> list[str]:
    """What "postfix check" finds wrong, on standard error or in the log."""
    result = run("postfix", "-c", folder, "check")
    return _complaints(result, run("cat", f"{folder}/{LOG}").stdout)


def _complaints(result: subprocess.CompletedProcess, log: str = "") -> list[str]:
    text = result.stderr + log
    found = [line for line in text.splitlines() if re.search(r"warning|error|fatal|panic", line)]
    if result.returncode and not found:
        found = [f"status {result.returncode}: {text}"]
    return list(dict.fromkeys(found))
