# test_page.py: the status page in a real browser
# SPDX-License-Identifier: BSD-3-Clause
import re
import sqlite3
import time

import pytest

import browser
from daemon import Daemon, build_folder

PORT = 8394
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
# How it is looked at: the width of the window, and what the paper's colour is then (page.css).
LOOKS = {
    "light": ((1100, 2700), "f7f6f3", []),
    "dark": ((1100, 2700), "14171a", ["--blink-settings=preferredColorScheme=0"]),
    "phone": ((390, 4900), "f7f6f3", []),
    "phone-dark": ((390, 4900), "14171a", ["--blink-settings=preferredColorScheme=0"]),
}
KEYS = ["dane.example", "sts-one.example", "plain.example", "bogus.example"]


def plant(database) -> None:
    """What the network could have said, at its worst."""
    now = int(time.time() * 1000)
    with sqlite3.connect(database) as store:
        store.execute("INSERT INTO sts (domain, body, id, fetched_at, expires_at, failures,"
                      " failed_id, fault, reason, failed_at, retry_at) VALUES ('evil.example', x'',"
                      " '', 0, 0, 3, 'x', 'status', ?, ?, ?)", (HOSTILE, now, now + 60000))
        for kind in (0, 1):
            store.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, 0, ?)",
                          (HOSTILE, now, kind, "may" + HOSTILE, "dane", HOSTILE))
    store.close()


@pytest.fixture(scope="module")
def daemon(world, programs, tmp_path_factory):
    if reason := browser.missing():
        pytest.skip(f"STATUS PAGE NOT TRIED IN A BROWSER: {reason}")
    listen = [{"address": f"inet:127.0.0.1:{PORT}", "protocol": "http"}]
    dns = {"trust_anchor": [str(world.trust_anchor), "/usr/share/dns/root.key"]}  # as test_http.py
    daemon_ = Daemon(world, tmp_path_factory.mktemp("page"), PORT + 1, listen=listen, dns=dns)
    with daemon_:
        pass
    plant(daemon_.folder / "state" / "postseal.db")
    with daemon_:
        for key in KEYS:
            daemon_.ask(key)
        yield daemon_


def page(daemon, tmp_path, fragment: str = "", *options: str) -> str:
    dom, console = browser.dom(f"http://127.0.0.1:{PORT}/{fragment}", tmp_path, *options)
    assert console == []
    return dom


def text_of(dom: str, element: str) -> str:
    """What stands in the element with that id, up to the next section."""
    found = re.search(rf'id="{element}".*?>(.*?)</(?:section|header)>', dom, flags=re.DOTALL)
    assert found, element
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found.group(1))).strip()


def test_the_page_draws_itself(daemon, tmp_path):
    dom = page(daemon, tmp_path)
    assert '<p id="health" class="badge good" role="status">ok</p>' in dom
    assert "version 0." in text_of(dom, "about")
    shares = text_of(dom, "shares")
    for share in ("dane 25 %", "enforce 25 %", "may 25 %", "tempfail 25 %"):
        assert share in shares
    assert 'aria-label="Shares: dane 25 %, enforce 25 %, may 25 %, tempfail 25 %"' in dom
    assert "Queries over time, by class of verdict; 4 queries in all" in dom
    assert "Lookups over time; 4 lookups in all" in dom
    listens = text_of(dom, "daemon")
    assert re.search(rf"inet:127\.0\.0\.1:{PORT} \(http\), \d connection", listens)
    assert "socketmap" in listens
    assert '<ul id="trouble" class="notice bad" hidden=""' in dom


@pytest.mark.parametrize("look", LOOKS)
def test_it_fits_where_it_is_read(daemon, tmp_path, look):
    """Nothing reaches the window's edges, and the colours are those of the hour. For people, who see
    more: page-LOOK.png in the folder of the build."""
    (width, height), paper, options = LOOKS[look]
    rows = browser.screenshot(f"http://127.0.0.1:{PORT}/#explain=sts-one.example", tmp_path,
                              build_folder() / f"page-{look}.png",
                              f"--window-size={width},{height}", *options)
    assert (len(rows), len(rows[0])) == (height, 3 * width)
    for side in (slice(0, 3), slice(-3, None)):
        assert {row[side].hex() for row in rows} == {paper}
    assert rows[-1].hex() == paper * width, "the window is as long as the page"
    assert len(set(rows)) > 500, "something is drawn"


def test_it_explains_as_the_tool_does(daemon, tmp_path):
    words = text_of(page(daemon, tmp_path, "#explain=sts-one.example"), "explained")
    tool = daemon.tool("explain", "sts-one.example").stdout
    for line in tool.splitlines()[1:]:
        if "holds for" not in line:
            assert re.sub(r"\s+", " ", line).strip() in words, words
    assert words.startswith("sts-one.example enforce")
    refused = text_of(page(daemon, tmp_path, "#explain=" + "x" * 256), "explained")
    assert refused == "the key is longer than 255 octets"


def test_what_comes_from_the_network_is_text(daemon, tmp_path):
    dom = page(daemon, tmp_path, "#explain=" + HOSTILE.replace(" ", "%20"))
    escaped = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
    for element in ("downgraded", "changed", "failing", "explained"):
        assert HOSTILE.replace("<", "&lt;").replace(">", "&gt;") in dom.partition(
            f'id="{element}"')[2].partition("</section>")[0], element
    assert dom.count(escaped) >= 6
    assert 'src="x"' not in dom
    assert dom.count("<script") == 1


CARDS = ("deferred", "downgraded", "changed", "findings", "failing")
ZONE = r" (?:UTC|GMT|[A-Z]{2,5}|GMT[+-]\d+)\b"


def test_every_time_has_a_zone(daemon, tmp_path):
    """Of a page on which every card has something to say."""
    daemon.ask("enforce-first-outside.mail.example")
    daemon.settle()
    dom = page(daemon, tmp_path, "#explain=sts-one.example")
    for card in (*CARDS, "explained"):
        times = re.findall(r'<time datetime="([^"]+)" title="([^"]+)">',
                           dom.partition(f'id="{card}"')[2].partition("</section>")[0])
        assert times or card == "explained", f"{card} has no line with a time"
        for time_ in sum(times, ()):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", time_), (card, time_)
    # The marks of a chart's axis go by the foot of the page.
    assert re.search(rf"as of \d\d:\d\d:\d\d{ZONE}, the zone of all clock times here", dom)
    mark = r"<text[^>]*>\d\d:\d\d</text>"
    assert len(re.findall(mark, dom)) >= 6, "the charts have marks"
    words = re.sub(r"<[^>]*>", " ", re.sub(mark, "", dom))
    clocks = re.findall(r"(?<![\d:])\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?=(.{0,6}))", words)
    assert len(clocks) >= 4, "titles in the charts, the foot, and what explain says"
    for behind in clocks:
        assert re.match(rf"Z|{ZONE}|\u2013", behind), clocks


def test_trouble_is_told(daemon, tmp_path):
    good = daemon.configuration.read_text(encoding="utf-8")
    daemon.configuration.write_text(good + "[nonsense]\n", encoding="utf-8")
    try:
        assert not daemon.admin("reload")["ok"]
        dom = page(daemon, tmp_path)
        assert 'class="badge bad" role="status">degraded</p>' in dom
        assert re.search(r'<ul id="trouble" class="notice bad" aria-label=[^>]*>'
                         r"<li>configuration: \S+postseal.toml:\d+: ", dom)
    finally:
        daemon.configuration.write_text(good, encoding="utf-8")
    assert daemon.admin("reload")["ok"]
