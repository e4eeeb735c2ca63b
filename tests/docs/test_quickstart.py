# test_quickstart.py: what contrib/quickstart shows fits, and is there to be shown
# SPDX-License-Identifier: BSD-3-Clause
import re
import subprocess

from mdoc import PROJECT

SCRIPT = (PROJECT / "contrib/quickstart").read_text(encoding="utf-8")


def shell(commands: str) -> str:
    """Its functions, without its main, and then these commands."""
    functions, main, rest = SCRIPT.rpartition('\nmain "$@"\n')
    assert main and not rest
    done = subprocess.run(["bash", "-c", f"{functions}\n{commands}", PROJECT / "contrib/quickstart"],
                          capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def domains_of(table: str) -> set[str]:
    text = (PROJECT / "tests/system" / table).read_text(encoding="utf-8")
    return {line.split("|")[0].strip() for line in text.splitlines() if "|" in line and line[0] != "#"}


def test_the_table_fits_100_columns():
    shown = shell("""
        postmap_query() { printf 'secure match=%s\\n' "$(printf 'x%.0s' {1..300})"; }
        explain() { printf '%s: enforce (row 1)\\n  because   %s\\n' "$1" "$(printf 'y%.0s' {1..300})"; }
        table""").splitlines()
    assert all(len(line) <= 100 for line in shown), shown
    rows = [line.split() for line in shown if line.strip() and not line.startswith("==")]
    keys = [row[0] for row in rows[::2]]
    assert keys[0] == "KEY" and len(keys) > 10 and "bücher.example" in keys
    assert all(row[0].startswith("enforce") for row in rows[3::2]), rows
    beginnings = {len(re.match(r"\S+ +", line)[0]) for line in shown if "match=x" in line}
    assert len(beginnings) == 1, "the columns stand below each other, umlauts or not"


def test_the_domains_are_those_of_the_world():
    shown = shell('printf "%s\\n" "${shown[@]}"').split()
    assert set(shown) <= domains_of("domains.table"), set(shown) - domains_of("domains.table")
    probed = re.search(r" probe (.*)", SCRIPT).group(1).split()
    assert len(probed) == 2 and set(probed) <= domains_of("mail.table")
