# test_completion.py: what real shells complete, by the scripts that the tool writes
# SPDX-License-Identifier: BSD-3-Clause
import re
import shutil
import subprocess

import pytest

from programs import commands_of_the_tool, help_of, options, run

# What is typed, and what it may become; in a folder with the file "mta-sts.txt" and the folder
# "main".
CASES = [
    ("postseal li", {"list", "lint"}),
    ("postseal --json sho", {"show"}),
    ("postseal --config list hist", {"history"}),
    ("postseal overrides rel", {"reload"}),
    ("postseal lint ", {"record", "policy"}),
    ("postseal export --cl", {"--class"}),
    ("postseal list --cl", {"--class"}),
    ("postseal list exam --fai", {"--failing"}),
    ("postseal history --si", {"--since"}),
    ("postseal explain --pro", {"--probe"}),
    ("postseal probe --no", {"--no-postfix"}),
    ("postseal list --class ", {"dane", "enforce", "may", "override", "tempfail"}),
    ("postseal list --mode te", {"testing"}),
    ("postseal query --map tl", {"tlsrpt"}),
    ("postseal query -m QUERYw", {"QUERYwithTLSRPT"}),
    ("postseal export --format ", {"texthash", "json"}),
    ("postseal completion z", {"zsh"}),
    ("postseal lint policy mta", {"mta-sts.txt"}),
    ("postseal import mta", {"mta-sts.txt"}),
    ("postseal --config mta", {"mta-sts.txt"}),
    ("postseal query exam", set()),
]


@pytest.fixture(scope="module", name="folder")
def folder_with_scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh", "fish"):
        (folder / shell).mkdir()
        name = {"bash": "postseal", "zsh": "_postseal", "fish": "postseal.fish"}[shell]
        script = run("postseal", "completion", shell)
        assert script.returncode == 0
        (folder / shell / name).write_text(script.stdout, encoding="utf-8")
    (folder / "work").mkdir()
    (folder / "work/main").mkdir()
    (folder / "work/mta-sts.txt").touch()
    return folder


def shell(folder, *command: str) -> str:
    if not shutil.which(command[0]):
        pytest.skip(f"COMPLETION NOT TRIED: install {command[0]}")
    result = subprocess.run(command, cwd=folder / "work", capture_output=True, text=True,
                            timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def words(text: str) -> set[str]:
    return {word.strip().rstrip("/") for word in text.splitlines() if word.strip()}


# --- bash ------------------------------------------------------------------------------------

BASH = r"""
source ../bash/postseal
complete -p postseal >/dev/null || exit
read -ra COMP_WORDS <<<"$1"
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1}
compopt() { :; }  # works inside of a completion only
_postseal postseal "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize("typed, expected", CASES)
def test_bash(folder, typed, expected):
    assert words(shell(folder, "bash", "-c", BASH, "bash", typed)) == expected


def test_bash_splits_at_equals(folder):
    assert words(shell(folder, "bash", "-c", BASH, "bash",
                       "postseal list --mode = te")) == {"testing"}
    assert words(shell(folder, "bash", "-c", BASH, "bash",
                       "postseal --config = x lis")) == {"list"}


def test_bash_knows_every_command_and_option(folder):
    for command in commands_of_the_tool():
        offered = words(shell(folder, "bash", "-c", BASH, "bash", f"postseal {command} -"))
        known = options(help_of("postseal", *command.split()))
        assert offered == {f"-{short}" for short, _ in known if short} | {
            f"--{long}" for _, long in known
        }, command


# --- fish ------------------------------------------------------------------------------------

@pytest.mark.parametrize("typed, expected", CASES)
def test_fish(folder, typed, expected):
    output = shell(folder, "fish", "--no-config", "-c",
                   f"source ../fish/postseal.fish; complete -C'{typed}'")
    assert words("\n".join(line.partition("\t")[0] for line in output.splitlines())) == expected


# --- zsh -------------------------------------------------------------------------------------

# A zsh of one's own on a pseudo terminal is typed into; then it shows its line.
ZSH = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1= PROMPT_EOL_MARK= ; stty -echo; unset zle_bracketed_paste'
zpty -w z 'fpath=($PWD/../zsh $fpath); autoload -Uz compinit; compinit -u -D'
zpty -w z 'show() { zle -I; print -r -- "<<""<$BUFFER>>>" }; zle -N show; bindkey "^X" show'
zpty -w z 'print REA''DY'
zpty -r -m z out '*READY*' || exit 1
zpty -w -n z "$1"$'\t\x18'
zpty -r -m z out '*<<<*>>>*'
print -r -- "$out"
zpty -d z
"""
SINGLE = [(typed, expected) for typed, expected in CASES
          if len(expected) == 1 and not typed.endswith(" ")]


def test_zsh_reads_it(folder):
    assert shell(folder, "zsh", "-n", "../zsh/_postseal") == ""


@pytest.mark.parametrize("typed, expected", SINGLE)
def test_zsh(folder, typed, expected):
    """What is the only word is typed out."""
    output = shell(folder, "zsh", "-f", "-c", ZSH, "zsh", typed)
    line = re.findall(r"<<<(.*?)>>>", output)[-1]
    [word] = expected
    assert line.rstrip(" =") == typed.rpartition(" ")[0] + " " + word
