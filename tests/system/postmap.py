# postmap.py: Postfix's own clients of socketmap and tcp, without the machine's own configuration
# SPDX-License-Identifier: BSD-3-Clause
import pathlib

from table import NOT_FOUND, TEMP
from world.processes import run


def postmap(folder: pathlib.Path, key: str, table: str) -> str:
    """The policy, NOT_FOUND or TEMP. `folder` is for its main.cf.

    A table is socketmap's, unless it begins with "tcp:".
    """
    configuration = folder / "main.cf"
    if not configuration.exists():
        folder.mkdir(parents=True, exist_ok=True)
        configuration.write_text("compatibility_level = 3.6\n", encoding="ascii")
    table = table if table.startswith("tcp:") else f"socketmap:{table}"
    result = run(["postmap", "-c", str(folder), "-q", key, table])
    if result.returncode == 0:
        return result.stdout.removesuffix("\n")
    if "fatal" in result.stderr or "error" in result.stderr:
        return TEMP
    assert not result.stderr, result.stderr
    return NOT_FOUND
