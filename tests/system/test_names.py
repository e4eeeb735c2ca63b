# test_names.py: what each version of Postfix makes of a U-label is what ../data/base/u_label.table
# says, by which the product is held: smtp(8) names the A-label when it finds no such host
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import re
import smtplib

from resources import patience

TABLE = pathlib.Path(__file__).parent.parent / "data/base/u_label.table"
REFUSED = "!"
NOT_FOUND = re.compile(r"to=<n(\d+)@[^>]*>.*? error for name=(\S+)\.nowhere\.example type=")


def unescaped(text: str) -> str:
    octets = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()),
                    text.encode())
    return octets.decode()


def labels() -> list[tuple[str, list[str]]]:
    """Each label, and what comes of it by column; an empty column is as the one before."""
    out = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        label, *names, _reason = (field.strip() for field in line.split("|"))
        for n in range(1, len(names)):
            names[n] = names[n] or names[n - 1]
        out.append((unescaped(label), names))
    return out


def column_of(release) -> int | None:
    """By the ICU that its Postfix is linked with."""
    found = [re.search(r"\.so\.(\d+)$", path.name)
             for path in release.root.glob("usr/lib/*/libicuuc.so.*")]
    majors = {int(match[1]) for match in found if match}
    return next((n for n, icu in enumerate((72, 76, 78)) if icu in majors), None)


def test_postfix_says_the_same(release, world, new_postfix):
    table = labels()
    column = column_of(release)
    found: dict[int, str] = {}
    with new_postfix(release, {"smtp_tls_security_level": "may"}) as postfix:
        sent = []
        with postfix.client() as client:
            client.ehlo()
            for n, (label, _) in enumerate(table):
                to = f"n{n}@{label}.nowhere.example"
                try:
                    client.sendmail("", [to], "To: x:;\n\nHello.\n", ["SMTPUTF8"])
                    sent.append(to)
                except smtplib.SMTPRecipientsRefused:
                    found[n] = REFUSED
                    client.rset()
        postfix.outcomes(sent, patience(60))
        found |= {int(n): name for n, name in NOT_FOUND.findall(postfix.log_text())}
    assert len(table) >= 200 and found.keys() == set(range(len(table)))
    # Of an ICU that the table does not know, only what all others agree on.
    wrong = {label: found[n] for n, (label, names) in enumerate(table)
             if found[n] != (names[column] if column is not None else found[n])
             or (column is None and len(set(names)) == 1 and found[n] != names[0])}
    assert wrong == {}, (release.version, column)
