# test_http.py: the http listener of a real daemon: metrics, health, what is said of a destination
# SPDX-License-Identifier: BSD-3-Clause
import json
import re
import shutil
import socket
import subprocess
import time

import pytest

from daemon import Daemon, build_folder
from http_client import ask, parse, read_all

PORT = 8390
SLOW = 10.0  # seconds for a request's head
KEYS = {"dane.example": "dane", "sts-one.example": "enforce", "plain.example": "may"}


@pytest.fixture(scope="module")
def daemon(world, programs, tmp_path_factory):
    """One with an http listener that others could reach, too, and some queries behind it."""
    listen = [{"address": f"inet:0.0.0.0:{PORT}", "protocol": "http", "hosts": ["mail.example"]}]
    # That of the real root, too: one without it is warned about, and no health.
    dns = {"trust_anchor": [str(world.trust_anchor), "/usr/share/dns/root.key"]}
    with Daemon(world, tmp_path_factory.mktemp("http"), PORT + 1, listen=listen,
                dns=dns) as daemon_:
        for key in KEYS:
            daemon_.ask(key)
            daemon_.settle()
            daemon_.ask(key, "tlsrpt")
        daemon_.ask("[192.0.2.1]")
        daemon_.ask("dane.example", "no-such-map")
        yield daemon_


@pytest.fixture(scope="module")
def slow(daemon):
    """A client that never finishes its request, since the beginning of these tests."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        yield client, time.monotonic()


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def metrics() -> dict[str, float]:
    return samples(ask(PORT, "/metrics").body)


def queries(protocol: str, map_name: str, cls: str, source: str) -> str:
    return (f'postseal_queries_total{{protocol="{protocol}",map="{map_name}",class="{cls}",'
            f'source="{source}"}}')


def test_metrics_are_as_prometheus_wants_them(daemon, slow):
    if not shutil.which("promtool"):
        pytest.skip("METRICS NOT CHECKED: install prometheus")
    answer = ask(PORT, "/metrics")
    assert answer.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    result = subprocess.run(["promtool", "check", "metrics"], input=answer.body, text=True,
                            capture_output=True, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_every_metric_is_there(daemon, slow):
    listed = subprocess.run([build_folder() / "tests/docs/print_metrics"], text=True,
                            capture_output=True, check=True).stdout
    known = {line.split()[0] for line in listed.splitlines()}
    # Those of a shared store: test_fleet.py.
    known = {name for name in known if not name.startswith("postseal_shared_store_")}
    text = ask(PORT, "/metrics").body
    assert set(re.findall(r"^# TYPE (\w+)", text, flags=re.MULTILINE)) == known


def test_what_is_counted(daemon, slow):
    seen = metrics()
    for key, cls in KEYS.items():
        assert seen[queries("socketmap", "postfix", cls, "lookup")] == 1, key
        assert seen[queries("socketmap", "tlsrpt", cls, "memory")] == 1, key
    assert seen[queries("socketmap", "postfix", "none", "none")] == 1
    assert seen["postseal_unknown_map_queries_total"] == 1
    assert seen['postseal_lookup_duration_seconds_count{kind="evaluation"}'] == len(KEYS)
    for kind in ("mx", "tlsa", "txt", "a"):
        assert seen[f'postseal_lookup_duration_seconds_count{{kind="{kind}"}}'] > 0
    assert seen['postseal_lookup_duration_seconds_count{kind="policy_fetch"}'] == 1
    assert seen['postseal_policy_fetch_failures_total{reason="connect"}'] == 0
    assert seen["postseal_cache_entries"] == len(KEYS)
    assert seen["postseal_cache_bytes"] > 0
    assert seen['postseal_connections{protocol="http"}'] >= 2
    assert seen["process_open_fds"] < seen["process_max_fds"]
    assert abs(seen["process_start_time_seconds"] - time.time()) < 600
    assert seen["process_cpu_seconds_total"] > 0
    assert {part for part, value in seen.items() if "degraded" in part and value != 0} == set()


def test_what_the_store_counts(daemon, slow):
    end = time.monotonic() + 20  # asked for every ten seconds at most
    wanted = {f'postseal_remembered_domains{{class="{cls}"}}': 1 for cls in KEYS.values()}
    wanted |= {'postseal_policies{mode="enforce"}': 1, "postseal_refresh_backlog": 0}
    while (seen := metrics()) and any(seen[name] != value for name, value in wanted.items()):
        assert time.monotonic() < end, {name: seen[name] for name in wanted}
        time.sleep(0.5)


def test_health(daemon, slow):
    answer = ask(PORT, "/healthz")
    # The machine's clock may not be confirmed, which is not trouble.
    assert (answer.status, answer.body.splitlines()[0]) == (200, "ok")
    good = daemon.configuration.read_text(encoding="utf-8")
    try:
        daemon.configuration.write_text(good + "[limits]\nlookup = 1\n", encoding="utf-8")
        assert not daemon.admin("reload")["ok"]
        answer = ask(PORT, "/healthz")
        assert answer.status == 503
        first, second = answer.body.splitlines()[:2]
        assert first == "degraded"
        assert second.startswith(f"configuration: {daemon.configuration}:")
        assert metrics()['postseal_degraded{part="configuration"}'] == 1
    finally:
        daemon.configuration.write_text(good, encoding="utf-8")
    assert daemon.admin("reload")["ok"]
    assert ask(PORT, "/healthz").status == 200


@pytest.mark.parametrize("path, key", [
    ("dane.example", "dane.example"),
    ("STS-one.example.", "sts-one.example"),
    ("%5Bmx.dane.example%5D:587", "[mx.dane.example]:587"),
])
def test_policy(daemon, slow, path, key):
    answer = ask(PORT, f"/v1/policy/{path}")
    assert (answer.status, answer.fields["content-type"]) == (200, "application/json")
    explained, by_tool = json.loads(answer.body), daemon.explain(key)
    assert explained["key"] == key
    assert set(explained) == set(by_tool)
    for member in ("key", "verdict", "replies"):
        assert explained[member] == by_tool[member]


def test_policy_of_what_is_no_destination(daemon, slow):
    """The tool refuses the key; over HTTP there is what Postfix is told of it."""
    explained = json.loads(ask(PORT, "/v1/policy/.dane.example").body)
    assert (explained["key"], explained["verdict"]["row"]) == (".dane.example", 0)
    assert explained["replies"]["postfix"]["kind"] == "not-found"
    assert daemon.tool("explain", ".dane.example").returncode == 64


def test_status(daemon, slow):
    status = json.loads(ask(PORT, "/v1/status").body)
    assert not [part for part in status["health"] if part["trouble"]]
    assert status["queries"]["memory"] >= len(KEYS)
    assert {"address": f"inet:0.0.0.0:{PORT}", "protocol": "http"}.items() <= next(
        listener for listener in status["listeners"] if listener["protocol"] == "http").items()
    assert sum(status["minutes"]["lookups"]) >= len(KEYS)


@pytest.mark.parametrize("method, path, host, status", [
    ("HEAD", "/", "localhost", 200),
    ("GET", "/", "mail.example", 200),
    ("GET", "/", "127.0.0.1:8390", 200),
    ("GET", "/", "other.example", 421),
    ("GET", "/nothing", "localhost", 404),
    ("GET", "/v1/policy/%zz", "localhost", 400),
    ("DELETE", "/v1/policy/dane.example", "localhost", 405),
    ("GET", "/" + "x" * 5000, "localhost", 414),
])
def test_refusals(daemon, slow, method, path, host, status):
    answer = ask(PORT, path, method, host)
    assert answer.status == status
    assert answer.fields["cache-control"] == "no-store"
    assert answer.fields["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.fields["content-security-policy"]
    assert ("allow" in answer.fields) == (status == 405)
    assert (answer.body == "") == (method == "HEAD")


def test_an_open_listener_is_warned_about(daemon, slow):
    daemon.wait_for_log("open-listener")
    assert re.search(rf"warning open-listener listener=inet:0\.0\.0\.0:{PORT} ",
                     daemon.log.read_text(encoding="utf-8"))


def test_who_is_too_slow(daemon, slow):
    client, begun = slow
    assert parse(read_all(client)).status == 408
    assert time.monotonic() - begun >= SLOW - 0.5
