# apparmor.py: does an AppArmor profile allow what strace saw?
#
# For machines without AppArmor in their kernel: file rules, network rules and capabilities of a
# flattened profile (apparmor_parser --preprocess) against what a run did. What apparmor.d(5) calls
# owner, audit or exec transitions is not judged.
# SPDX-License-Identifier: BSD-3-Clause
import re
import subprocess
from dataclasses import dataclass, field

ANYTHING = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}


@dataclass
class Profile:
    files: list[tuple[re.Pattern, frozenset[str]]] = field(default_factory=list)
    networks: set[tuple[str, str]] = field(default_factory=set)  # "" for any type
    capabilities: set[str] = field(default_factory=set)

    def refuses_file(self, path: str, wanted: str) -> str:
        allowed = frozenset().union(*(perms for glob, perms in self.files if glob.fullmatch(path)))
        return "".join(sorted(set(wanted) - allowed))

    def refuses_network(self, family: str, kind: str) -> bool:
        return not {(family, kind), (family, "")} & self.networks


def read(profile, includes: str = "/etc/apparmor.d") -> Profile:
    text = subprocess.run(["apparmor_parser", "--preprocess", "--base", includes, profile],
                          capture_output=True, text=True, check=True).stdout
    text = "\n".join(line for line in text.splitlines() if not re.match(r"\s*#(?!include)", line))
    variables: dict[str, list[str]] = {}
    for name, values in re.findall(r"^\s*@\{(\w+)\}\s*\+?=\s*(.*)$", text, flags=re.MULTILINE):
        variables.setdefault(name, []).extend(value.strip('"') for value in values.split())
    found = Profile()
    for rule in re.findall(r"^\s*(.+?),\s*(?:#.*)?$", text, flags=re.MULTILINE):
        words = re.sub(r"^(?:(?:audit|owner|allow|deny|priority=\S+)\s+)*", "", rule).split()
        if rule.split()[0] == "deny" or not words:
            continue
        if words[0] == "network":
            found.networks.add(((words + ["", ""])[1], (words + ["", ""])[2]))
        elif words[0] == "unix":
            # A kernel that knows no unix rules is given these instead.
            found.networks.add(("unix", ""))
        elif words[0] == "capability":
            found.capabilities.update(words[1:])
        elif words[0][0] in "/@\"" and len(words) == 2:
            found.files.append((_pattern(words[0].strip('"'), variables), _permissions(words[1])))
    return found


def _permissions(text: str) -> frozenset[str]:
    # w includes a, as the kernel has it.
    return frozenset(text) | (frozenset("a") if "w" in text else frozenset())


def _expanded(text: str, variables: dict[str, list[str]]) -> str:
    while names := re.findall(r"@\{(\w+)\}", text):
        values = {"pid": ["[1-9]*"], "pids": ["[1-9]*"], "tid": ["[1-9]*"]} | variables
        options = ",".join(value.rstrip("/") or "/" for value in values.get(names[0], ["*"]))
        text = text.replace(f"@{{{names[0]}}}", "{" + options + "}")
    return text


def _pattern(glob: str, variables: dict[str, list[str]]) -> re.Pattern:
    glob = _expanded(glob, variables).replace("//", "/")
    out = ""
    depth = 0
    for token in re.findall(r"\*\*|\\.|\[[^]]*\]|.", glob):
        if token == "," and depth == 0:
            out += ","
        elif token in ANYTHING:
            depth += {"{": 1, "}": -1}.get(token, 0)
            out += ANYTHING[token]
        elif token.startswith("["):
            out += token
        else:
            out += re.escape(token.lstrip("\\"))
    return re.compile(out, flags=re.DOTALL)
