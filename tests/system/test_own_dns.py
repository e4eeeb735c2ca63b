# test_own_dns.py: a fault of our own DNS is not blamed on domains, and is said everywhere
#
# Real wrong trust anchors, a forwarder that strips signatures, a clock that is years off, a network
# without port 53; and what the system's resolv.conf says of whom to ask.
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import pathlib
import re
import shutil
import time
from datetime import timedelta

import pytest

from daemon import PATIENCE, Daemon, program
from hostile.stripping_forwarder import StrippingForwarder
from http_client import ask
from machine import Machine
from own_clock import OwnClock
from world import Unavailable, addresses, validating_resolver
from world.processes import run
from world.validating_resolver import ValidatingResolver

FORWARDER = "127.53.0.11"
RESOLVER = "127.53.0.12"
HTTP_PORT = 8380
OUTDATED = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
OF_ANOTHER_ROOT = ". IN DS 4711 13 2 " + "ab" * 32 + "\n"
RETRY = 30  # seconds between two checks while validation fails


def bogus_domains() -> list[str]:
    """Whose MX RRset is bogus to a resolver that is well."""
    table = pathlib.Path(__file__).with_name("domains.table").read_text(encoding="utf-8")
    return [line.split("|")[0].strip() for line in table.splitlines() if "| 3 |" in line]


def wait_until(what, patience: float = PATIENCE):
    end = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.1)
    return found


def verdict(daemon: Daemon, key: str) -> tuple[int, str, str]:
    explained = daemon.explain(key)
    return explained["verdict"]["row"], explained["verdict"]["class"], explained["mx"]["state"]


def events(daemon: Daemon, name: str) -> list[str]:
    return re.findall(rf"^\S+ \w+ {name}\b.*$", daemon.log.read_text(errors="replace"),
                      flags=re.MULTILINE)


def doctors_finding(daemon: Daemon) -> dict:
    result = daemon.tool("doctor", "--json", "--resolv-conf", "/dev/null")
    (finding,) = [one for one in json.loads(result.stdout) if one["check"] == "validation"]
    return finding


def http(port: int) -> list[dict]:
    return [{"address": f"inet:127.0.0.1:{port}", "protocol": "http"}]


def is_said_everywhere(daemon: Daemon, port: int, fault: str) -> None:
    """Log, health, statistics, metrics, status page, doctor, explain: cause and fix."""
    status = daemon.status()["validation"]
    assert (status["state"], status["fault"]) == ("failing", fault)
    assert status["reason"] and status["fix"]
    (line,) = events(daemon, "validation-failing")
    assert f" error validation-failing fault={fault} " in line and "fix=" in line
    clause = f"our own DNSSEC validation fails ({fault}): {status['reason']}; fix: {status['fix']}"
    health = ask(port, "/healthz")
    assert health.status == 503 and f"validation: {clause}" in health.body, health.body
    metrics = ask(port, "/metrics").body
    assert f'postseal_validation_failing{{fault="{fault}"}} 1\n' in metrics
    assert 'postseal_degraded{part="validation"} 1\n' in metrics
    page = json.loads(ask(port, "/v1/status").body)
    assert {"part": "validation", "trouble": clause, "note": ""} in page["health"]
    stats = daemon.tool("stats").stdout
    assert re.search(rf"^DNSSEC validation +FAILING \({fault}\): .+; fix: ", stats, re.MULTILINE)
    finding = doctors_finding(daemon)
    assert finding["severity"] == "problem" and finding["fix"]
    assert fault in finding["what"] and status["reason"] in finding["what"]
    text = daemon.tool("explain", "new.plain.example").stdout
    assert f"our own DNSSEC validation fails ({fault})" in text


def is_well(daemon: Daemon, port: int) -> None:
    assert daemon.status()["validation"]["state"] == "working"
    metrics = ask(port, "/metrics").body
    assert not re.search(r"^postseal_validation_failing\S* 1$", metrics, re.MULTILINE)
    assert 'postseal_degraded{part="validation"} 0\n' in metrics
    assert re.search(r"^DNSSEC validation +good", daemon.tool("stats").stdout, re.MULTILINE)
    assert doctors_finding(daemon)["severity"] == "ok"


# --- The trust anchor ------------------------------------------------------------------------

@pytest.mark.parametrize("anchor", [OUTDATED, OF_ANOTHER_ROOT], ids=["20326-alone", "another"])
def test_trust_anchor_that_does_not_fit(new_daemon, world, tmp_path, anchor):
    file = tmp_path / "root.key"
    file.write_text(anchor, encoding="ascii")
    port = HTTP_PORT + (anchor == OUTDATED)
    daemon = new_daemon(dns={"trust_anchor": [str(file)]}, listen=http(port))
    daemon.start()
    for key in ("plain.example", "dane.example", "sts-one.example"):
        assert verdict(daemon, key) == (5, "dane", "failed"), "no row 3: nobody forges it"
    is_said_everywhere(daemon, port, "trust-anchor")
    direct = json.loads(daemon.tool("explain", "--direct", "--json", "plain.example").stdout)
    assert (direct["verdict"]["row"], direct["mx"]["state"]) == (5, "failed")

    # What the fix says, and nobody reloads: it ends by itself.
    shutil.copy(world.trust_anchor, file)
    wait_until(lambda: daemon.status()["validation"]["state"] == "working", RETRY + PATIENCE)
    assert len(events(daemon, "validation-restored")) == 1
    assert verdict(daemon, "plain.example") == (13, "may", "insecure")
    assert verdict(daemon, "dane.example") == (6, "dane", "secure")
    assert verdict(daemon, "sts-one.example")[1] == "enforce"
    is_well(daemon, port)


def test_a_reload_ends_it_at_once(new_daemon, tmp_path, world):
    file = tmp_path / "root.key"
    file.write_text(OUTDATED, encoding="ascii")
    daemon = new_daemon(dns={"trust_anchor": [str(file)]})
    daemon.start()
    daemon.wait_for_log("error validation-failing")
    assert "38696" in events(daemon, "dns")[0]
    assert verdict(daemon, "plain.example") == (5, "dane", "failed")
    shutil.copy(world.trust_anchor, file)
    assert daemon.tool("reload").returncode == 0
    daemon.wait_for_log("info validation-restored")
    assert verdict(daemon, "plain.example") == (13, "may", "insecure")


def test_remembered_promises_hold(new_daemon, world, tmp_path):
    file = tmp_path / "root.key"
    shutil.copy(world.trust_anchor, file)
    daemon = new_daemon(dns={"trust_anchor": [str(file)]})
    daemon.start()
    before = {key: daemon.ask(key)
              for key in ("sts-one.example", "sts-dane.example", "dane.example", "plain.example",
                          "hashed.example")}
    assert before["sts-one.example"].startswith("OK secure")
    daemon.settle()
    file.write_text(OUTDATED, encoding="ascii")
    daemon.restart()
    daemon.wait_for_log("error validation-failing")
    # Rows 4 and 5: securely no DANE is remembered, or DANE, each with and without a policy.
    assert daemon.ask("sts-one.example") == before["sts-one.example"]
    reply = daemon.ask("sts-dane.example")
    assert reply.startswith("TEMP ") and "our own DNSSEC validation fails" in reply
    assert daemon.ask("dane.example") == "OK dane"
    assert daemon.ask("plain.example") == before["plain.example"] == "NOTFOUND "
    assert daemon.ask("hashed.example") == "NOTFOUND "


def test_what_is_forged_stays_forged(new_daemon):
    """Our own validation works: no number of bogus domains makes it doubt itself."""
    daemon = new_daemon(listen=http(HTTP_PORT + 2))
    daemon.start()
    wait_until(lambda: daemon.status()["validation"]["state"] == "working")
    domains = bogus_domains()
    assert len(domains) >= 3
    for _ in range(2):
        for domain in domains:
            assert verdict(daemon, domain) == (3, "tempfail", "bogus")
    assert events(daemon, "validation-failing") == []
    is_well(daemon, HTTP_PORT + 2)


# --- A forwarder that strips signatures ------------------------------------------------------

@pytest.fixture(scope="module")
def resolver(world, tmp_path_factory):
    if reason := validating_resolver.missing():
        pytest.skip(f"OWN DNS NOT TRIED: {reason}")
    with ValidatingResolver(tmp_path_factory.mktemp("resolver"), world.trust_anchor,
                            world.root_hints, RESOLVER) as resolver_:
        yield resolver_


@pytest.fixture
def forwarder(resolver):
    with StrippingForwarder(FORWARDER, RESOLVER) as forwarder_:
        yield forwarder_


def test_forwarder_that_strips_signatures(new_daemon, forwarder):
    daemon = new_daemon(dns={"forward": [FORWARDER], "root_hints": ""}, listen=http(HTTP_PORT + 3))
    daemon.start()
    for key in ("plain.example", "dane.example"):
        assert verdict(daemon, key) == (5, "dane", "failed")
    is_said_everywhere(daemon, HTTP_PORT + 3, "stripped")
    forwarder.strips = False
    wait_until(lambda: daemon.status()["validation"]["state"] == "working", RETRY + PATIENCE)
    assert verdict(daemon, "plain.example") == (13, "may", "insecure")
    assert verdict(daemon, "dane.example") == (6, "dane", "secure")
    is_well(daemon, HTTP_PORT + 3)


def test_forwarder_that_begins_to_strip(new_daemon, forwarder):
    """It is noticed by two domains, not an hour later; what is known stays."""
    forwarder.strips = False
    daemon = new_daemon(dns={"forward": [FORWARDER], "root_hints": ""}, listen=http(HTTP_PORT + 4))
    daemon.start()
    assert daemon.ask("dane.example") == "OK dane-only"
    wait_until(lambda: daemon.status()["validation"]["state"] == "working")
    time.sleep(16)  # not right after a check
    forwarder.strips = True
    asked = ["dane-two.example", "dane-ta.example", "sts-one.example"]
    replies = [daemon.ask(key) for key in asked]
    assert replies[1:] == ["OK dane", "OK dane"], replies
    is_said_everywhere(daemon, HTTP_PORT + 4, "stripped")
    assert daemon.ask(asked[0]) == "OK dane", "the first is judged anew"
    assert daemon.ask("dane.example") == "OK dane-only"


# --- The clock -------------------------------------------------------------------------------

@pytest.mark.parametrize("years", [-20, 5])
def test_clock_that_is_years_off(new_daemon, tmp_path, years):
    port = HTTP_PORT + (5 if years < 0 else 6)
    daemon = new_daemon(listen=http(port))
    clock = OwnClock(tmp_path / "clock")
    clock.set(timedelta(days=365 * years))
    daemon.enter_command = clock.enter_command
    daemon.start()
    assert verdict(daemon, "plain.example") == (5, "dane", "failed")
    status = wait_until(lambda: daemon.status()["validation"])
    assert status["fault"] == "clock" and "set the clock" in status["fix"]
    (line,) = events(daemon, "validation-failing")
    assert "fault=clock" in line
    clock.set(timedelta())
    wait_until(lambda: daemon.status()["validation"]["state"] == "working", RETRY + PATIENCE)
    assert verdict(daemon, "plain.example") == (13, "may", "insecure")


# --- resolv.conf -----------------------------------------------------------------------------

class OwnEtc:
    """/etc of a mount namespace of its own: what it needs, and a resolv.conf to be changed."""

    def __init__(self, folder: pathlib.Path, root_hints: pathlib.Path) -> None:
        if os.getuid() != 0:
            raise Unavailable("only root can mount")
        self._folder = folder / "etc"
        self._folder.mkdir()
        for name in ("passwd", "group", "nsswitch.conf", "hosts", "ld.so.cache"):
            if pathlib.Path("/etc", name).exists():
                shutil.copy(f"/etc/{name}", self._folder)
        self.resolv_conf = self._folder / "resolv.conf"
        script = (f"mount --bind {self._folder} /etc && "
                  f"mount --bind {root_hints} /usr/share/dns/root.hints && exec \"$@\"")
        self.enter_command = ["unshare", "--mount", "sh", "-c", script, "sh"]

    def name(self, *servers: str) -> None:
        """By a new file in the place of the old, as resolvconf(8) and others do."""
        text = "# written by a test\noptions edns0 trust-ad\n"
        text += "".join(f"nameserver {server}\n" for server in servers)
        fresh = self._folder / "resolv.conf.new"
        fresh.write_text(text, encoding="ascii")
        fresh.rename(self.resolv_conf)


@pytest.fixture
def own_etc(tmp_path, world):
    try:
        return OwnEtc(tmp_path, world.root_hints)
    except Unavailable as why:
        pytest.skip(f"RESOLV.CONF NOT TRIED: {why}")


def test_forward_to_the_servers_of_resolv_conf(new_daemon, own_etc, forwarder):
    forwarder.strips = False
    daemon = new_daemon(dns={"forward": ["resolv.conf"], "root_hints": ""})
    daemon.enter_command = own_etc.enter_command
    own_etc.name(FORWARDER)
    daemon.start()
    assert verdict(daemon, "dane.example") == (6, "dane", "secure"), "validated here"
    assert daemon.status()["validation"]["servers"] == "resolv.conf"
    assert forwarder.asked > 0

    own_etc.name(RESOLVER)
    daemon.wait_for_log(f"info servers-changed servers={RESOLVER}")
    wait_until(lambda: daemon.status()["validation"]["state"] == "working")
    asked = forwarder.asked
    assert verdict(daemon, "dane-two.example") == (6, "dane", "secure")
    assert forwarder.asked == asked

    # Without a name server those before are asked; it is said once.
    own_etc.resolv_conf.write_text("search example\n", encoding="ascii")
    daemon.wait_for_log("warning servers-kept")
    own_etc.resolv_conf.unlink()
    assert verdict(daemon, "dane-ta.example") == (6, "dane", "secure")
    time.sleep(6)
    own_etc.name(FORWARDER)
    daemon.wait_for_log(f"info servers-changed servers={FORWARDER}")
    assert len(events(daemon, "servers-kept")) == 1


@pytest.mark.parametrize("text", [None, "", "search example\n", "nameserver resolver.example\n"],
                         ids=["missing", "empty", "no-server", "no-address"])
def test_resolv_conf_without_a_name_server(new_daemon, own_etc, text):
    daemon = new_daemon(dns={"forward": ["resolv.conf"]})
    if text is not None:
        own_etc.resolv_conf.write_text(text, encoding="ascii")
    for command in (daemon.command(), daemon.command("--check"),
                    [program("postseal"), "check-config", "--config", str(daemon.configuration)]):
        result = run([*own_etc.enter_command, *command], timeout=60)
        assert result.returncode == 78, result.stderr
        assert "dns.forward: " in result.stderr and "/etc/resolv.conf" in result.stderr


# --- Port 53 is shut -------------------------------------------------------------------------

@pytest.fixture
def without_port_53(tmp_path):
    """A machine whose packets to port 53 are dropped, but for those to one resolver."""
    if not shutil.which("nft"):
        pytest.skip("PORT 53 NOT SHUT: install nftables")
    try:
        machine = Machine(tmp_path)
    except Unavailable as why:
        pytest.skip(f"PORT 53 NOT SHUT: {why}")
    rules = ("table inet shut { chain out { type filter hook output priority 0; "
             f"ip daddr {RESOLVER} accept; udp dport 53 drop; tcp dport 53 drop; }}; }}")
    made = run([*machine.enter_command, "nft", rules])
    if made.returncode != 0:
        machine.end()
        pytest.skip(f"PORT 53 NOT SHUT: {made.stderr.strip()}")
    yield machine
    machine.end()


def test_port_53_is_shut(new_daemon, world, own_etc, resolver, without_port_53):
    """Recursion reaches no root server: within 10 s resolv.conf's resolver is asked."""
    daemon = new_daemon()
    daemon.settings["dns"].pop("root_hints")
    daemon.write_configuration(daemon.settings)
    daemon.enter_command = without_port_53.enter_command + own_etc.enter_command
    daemon.wait_until_listening = lambda: None  # 127.0.0.1 is the machine's own
    own_etc.name(RESOLVER)
    daemon.start()
    begun = time.monotonic()
    daemon.wait_for_log("warning other-servers")
    assert time.monotonic() - begun < 10 + PATIENCE
    (line,) = events(daemon, "other-servers")
    assert "servers=/etc/resolv.conf" in line
    assert r'[dns] forward = [\"resolv.conf\"]' in line or '[dns] forward = ["resolv.conf"]' in line
    wait_until(lambda: daemon.status()["validation"]["state"] == "working")
    assert daemon.status()["validation"]["servers"] == "resolv.conf"
    assert verdict(daemon, "dane.example") == (6, "dane", "secure")
    assert events(daemon, "validation-failing") == []


def test_port_53_is_shut_and_the_operator_has_said_whom_to_ask(new_daemon, own_etc, resolver,
                                                               without_port_53):
    daemon = new_daemon()  # names root hints
    daemon.enter_command = without_port_53.enter_command + own_etc.enter_command
    daemon.wait_until_listening = lambda: None
    own_etc.name(RESOLVER)
    daemon.start()
    daemon.wait_for_log("error validation-failing fault=unreachable")
    status = daemon.status()["validation"]
    assert status["servers"] == "authoritative" and "port 53" in status["fix"]
    assert events(daemon, "other-servers") == []


def test_port_53_is_shut_and_the_resolver_strips(new_daemon, own_etc, forwarder, without_port_53):
    """It is not help: nothing is switched, and what is wrong is said."""
    run([*without_port_53.enter_command, "nft", "insert", "rule", "inet", "shut", "out", "ip",
         "daddr", FORWARDER, "accept"])
    daemon = new_daemon()
    daemon.settings["dns"].pop("root_hints")
    daemon.write_configuration(daemon.settings)
    daemon.enter_command = without_port_53.enter_command + own_etc.enter_command
    daemon.wait_until_listening = lambda: None
    own_etc.name(FORWARDER)
    daemon.start()
    daemon.wait_for_log("error validation-failing fault=unreachable")
    assert forwarder.asked > 0
    assert daemon.status()["validation"]["servers"] == "authoritative"
    assert events(daemon, "other-servers") == []
