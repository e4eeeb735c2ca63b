# browser.py: a page as headless Chromium has it after its scripts have run, in words and in pixels
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import re
import shutil
import struct
import subprocess
import zlib

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
    return pixels(file.read_bytes())


def pixels(png: bytes) -> list[bytes]:
    """Of a PNG as Chromium writes it: eight bits a channel, not interlaced, with or without alpha."""
    width, height, depth, colours, *_, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    assert png.startswith(b"\x89PNG") and (depth, interlaced) == (8, 0) and colours in (2, 6)
    size = 3 if colours == 2 else 4
    data, at = b"", 8
    while at < len(png):
        length, = struct.unpack(">I", png[at:at + 4])
        if png[at + 4:at + 8] == b"IDAT":
            data += png[at + 8:at + 8 + length]
        at += length + 12
    data = zlib.decompress(data)
    rows, above = [], bytes(width * size)
    for number in range(height):
        begin = number * (width * size + 1)
        above = _unfiltered(data[begin], data[begin + 1:begin + 1 + width * size], above, size)
        rows.append(above if size == 3 else b"".join(above[i:i + 3]
                                                     for i in range(0, len(above), 4)))
    return rows


def _unfiltered(kind: int, line: bytes, above: bytes, size: int) -> bytes:
    """PNG, section 9.2."""
    if kind == 0:
        return line
    out = bytearray(line)
    for i, octet in enumerate(line):
        left = out[i - size] if i >= size else 0
        corner = above[i - size] if i >= size else 0
        guess = (0, left, above[i], (left + above[i]) // 2)[kind] if kind < 4 else min(
            (left, above[i], corner), key=lambda near: abs(left + above[i] - corner - near))
        out[i] = (octet + guess) & 255
    return bytes(out)
