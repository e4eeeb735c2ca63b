# test_limits.py: the daemon when its name servers are dead, and when too much is asked of it
# (section 8 of the design)
# SPDX-License-Identifier: BSD-3-Clause
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

AT_ONCE = 0.5  # seconds: no lookup takes part
LIMIT = 10.5
ENFORCED = "OK secure match=mx.sts-one.example servername=hostname"
KNOWN = {
    "dane.example": "OK dane-only",
    "sts-one.example": ENFORCED,
    "sts-dane.example": "OK dane-only",
    "implicit-plain.example": "NOTFOUND ",
}


def ask_all(daemon, keys) -> dict[str, tuple[str, float]]:
    """At the same time: replies, and how long each took."""

    def ask(key: str) -> tuple[str, float]:
        start = time.monotonic()
        return daemon.ask(key), time.monotonic() - start

    with ThreadPoolExecutor(len(keys)) as pool:
        return dict(zip(keys, pool.map(ask, keys)))


@pytest.mark.last
def test_dead_dns(world, new_daemon):
    """Known evidence is used to its end; then rows 4 and 5 decide, by what is remembered."""
    daemon = new_daemon(dns={"timeout": "3s"})
    daemon.start()
    for key, reply in KNOWN.items():
        assert daemon.ask(key) == reply
    world.stop_dns()
    try:
        for key, (reply, seconds) in ask_all(daemon, KNOWN).items():
            assert (key, reply) == (key, KNOWN[key])
            assert seconds < AT_ONCE
        daemon.restart()  # the end of all evidence but the store's
        answers = ask_all(daemon, [*KNOWN, "stranger.example"])
        assert answers["dane.example"][0] == "OK dane"
        assert answers["sts-one.example"][0] == ENFORCED
        assert answers["sts-dane.example"][0].startswith("TEMP ")
        assert answers["implicit-plain.example"][0] == "NOTFOUND "
        assert answers["stranger.example"][0] == "OK dane"
        assert max(seconds for _, seconds in answers.values()) < LIMIT
        rows = {key: daemon.explain(key)["verdict"]["row"] for key in KNOWN}
        assert rows == {"dane.example": 5, "sts-one.example": 4, "sts-dane.example": 5,
                        "implicit-plain.example": 4}
    finally:
        world.start_dns()


def test_too_many_cold_lookups(new_daemon):
    """The rest waits in order, then is told so; what is known is answered all the while."""
    daemon = new_daemon(limits={"lookups": 1}, dns={"timeout": "30s"})
    daemon.start()
    assert daemon.ask("dane.example") == "OK dane-only"
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(ask_all, daemon, ["in-flight.example"])
        time.sleep(0.5)
        waiting = pool.submit(ask_all, daemon, ["sts-two.example", "plain.example"])
        end = time.monotonic() + 8
        while time.monotonic() < end:
            (reply, seconds), = ask_all(daemon, ["dane.example"]).values()
            assert (reply, seconds < AT_ONCE) == ("OK dane-only", True), seconds
            time.sleep(0.1)
        assert not waiting.done()
        ((reply, seconds),) = slow.result().values()
        assert reply == "OK dane" and seconds < LIMIT
        for key, (reply, seconds) in waiting.result().items():
            assert reply.startswith("TEMP 1 lookups are active and "), (key, reply)
            assert reply.endswith(" waiting (limits.lookups)")
            assert seconds < LIMIT
