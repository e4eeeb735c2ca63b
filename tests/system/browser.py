# browser.py: a page as headless Chromium has it after its scripts have run
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import re
import shutil
import subprocess

OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--hide-scrollbars", "--enable-logging=stderr"]


def missing() -> str:
    """Why there is none; empty: there is."""
    return "" if shutil.which("chromium") else "install chromium"


def run(url: str, folder: pathlib.Path, *options: str) -> tuple[str, list[str]]:
    """What the options have it print, and what the page's console says."""
    profile = folder / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    result = subprocess.run(
        ["chromium", *OPTIONS, f"--user-data-dir={profile}", "--virtual-time-budget=5000",
         *options, url],
        capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout, re.findall(r"CONSOLE.*", result.stderr)


def dom(url: str, folder: pathlib.Path, *options: str) -> tuple[str, list[str]]:
    return run(url, folder, "--dump-dom", *options)
