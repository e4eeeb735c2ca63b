# browser.py: a page as headless Chromium has it after its scripts have run, in words and in pixels
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import re
import shutil
import subprocess

from PIL import Image

OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--hide-scrollbars", "--enable-logging=stderr"]


def missing() -> str:
    """Why there is none; empty: there is."""
    return "" if shutil.which("chromium") else "install chromium"


def run(url: str, folder: pathlib.Path, *options: str) -> tuple[str, list[str]]:
    """What the options have it print, and what the page's console says; not what Chromium says there
    of pages of its own, as on a slow machine."""
    profile = folder / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    result = subprocess.run(
        ["chromium", *OPTIONS, f"--user-data-dir={profile}", "--virtual-time-budget=5000",
         *options, url],
        capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    said = re.findall(r"CONSOLE.*", result.stderr)
    return result.stdout, [line for line in said if "source: chrome://" not in line]


def dom(url: str, folder: pathlib.Path, *options: str) -> tuple[str, list[str]]:
    return run(url, folder, "--dump-dom", *options)


def screenshot(url: str, folder: pathlib.Path, file: pathlib.Path, *options: str) -> list[bytes]:
    """Also kept in `file`; its rows, three octets a pixel."""
    _, console = run(url, folder, f"--screenshot={file}", *options)
    assert console == []
    with Image.open(file) as image:
        octets, row = image.convert("RGB").tobytes(), 3 * image.width
    return [octets[at:at + row] for at in range(0, len(octets), row)]
