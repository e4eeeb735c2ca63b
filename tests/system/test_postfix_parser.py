# test_postfix_parser.py: ten thousand replies to verdicts made of chance, read by postmap(1)
# SPDX-License-Identifier: BSD-3-Clause
import subprocess

from replies import MAP_PORT, PATIENCE, Replies, make_replies, netstring_text

COUNT = 10_000


def test_postmap_reads_them(programs, world, tmp_path):
    replies = make_replies("tlsrpt", COUNT, 1)
    texts = [netstring_text(reply) for reply in replies]
    readable = [n for n, text in enumerate(texts) if not text.startswith("TEMP ")]
    assert len(replies) == COUNT and len(readable) > COUNT * 3 // 4
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n", encoding="ascii")
    with Replies(replies):
        result = subprocess.run(
            ["postmap", "-c", str(tmp_path), "-q", "-",
             f"socketmap:inet:127.0.0.1:{MAP_PORT}:replies"],
            input="".join(f"{n}\n" for n in readable), capture_output=True, text=True,
            timeout=PATIENCE, check=True,
        )
    assert result.stderr == ""
    found = dict(line.split("\t", 1) for line in result.stdout.splitlines())
    assert found == {str(n): texts[n].removeprefix("OK ") for n in readable
                     if texts[n].startswith("OK ")}
