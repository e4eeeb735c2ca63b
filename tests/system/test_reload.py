# test_reload.py: the configuration read again while the daemon runs
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import re
import signal
import stat
import time

import pytest

from daemon import to_toml
from relentless import Clients
from socketmap import request

OK, UNAVAILABLE, CONFIG = 0, 69, 78


@pytest.fixture
def running(new_daemon):
    daemon = new_daemon()
    daemon.start()
    return daemon


def reload(daemon, **changes) -> dict:
    """What `postseal reload --json` says after the change."""
    daemon.write_configuration(daemon.with_settings(**changes))
    result = daemon.tool("reload", "--json")
    assert result.returncode == OK, result.stderr
    return json.loads(result.stdout)


def changed(*names: str) -> dict:
    return {"changed": list(names), "needs_restart": []}


# --- Each section ----------------------------------------------------------------------------

def test_nothing_changed(running):
    assert running.ask("dane.example") == "OK dane-only"
    assert reload(running) == changed()
    assert running.status()["memory"]["answers"] == 1
    assert running.tool("reload").stdout == "nothing has changed\n"


def test_listeners(running):
    listen = running.settings["listen"]
    extra = {"address": f"unix:{running.folder}/extra.sock", "protocol": "socketmap",
             "maps": ["tlsrpt"], "mode": "0600"}
    with running.connect() as stays, running.connect_unix() as goes:
        for connection in (stays, goes):
            assert connection.ask("postfix", "dane.example") == "OK dane-only"
        kept = [entry for entry in listen if entry["address"] != f"unix:{running.unix_socket}"]
        assert reload(running, listen=[*kept, extra]) == changed("listen")
        assert goes.is_closed_by_server()
        assert stays.ask("postfix", "dane.example") == "OK dane-only"
    assert not running.unix_socket.exists()
    running.unix_socket = running.folder / "extra.sock"
    assert stat.S_IMODE(os.stat(running.unix_socket).st_mode) == 0o600
    with running.connect_unix() as connection:
        assert connection.ask("postfix", "dane.example").startswith("PERM ")
        assert connection.ask("tlsrpt", "dane.example") == "OK dane-only"

        extra.update(mode="0666", maps=["postfix"])
        assert reload(running, listen=[*kept, extra]) == changed("listen")
        assert stat.S_IMODE(os.stat(running.unix_socket).st_mode) == 0o666
        assert connection.ask("tlsrpt", "dane.example").startswith("PERM ")
        assert connection.ask("postfix", "dane.example") == "OK dane-only"


def test_the_admin_listener_itself(running):
    """Who asks for it gets the answer; another protocol at the same address is another listener."""
    admin = str(running.folder / "admin.sock")
    others = [entry for entry in running.settings["listen"] if entry["protocol"] != "admin"]
    running.write_configuration(running.with_settings(
        listen=[*others, {"address": f"unix:{admin}", "protocol": "socketmap"}]
    ))
    result = running.tool("--socket", admin, "reload")
    assert (result.returncode, result.stdout) == (OK, "changed: listen\n"), result.stderr
    running.unix_socket = running.folder / "admin.sock"
    with running.connect_unix() as connection:
        assert connection.ask("postfix", "dane.example") == "OK dane-only"
        running.write_configuration(running.with_settings(listen=others))
        running.process.send_signal(signal.SIGHUP)
        assert connection.is_closed_by_server()
    assert not running.unix_socket.exists()


def test_maps(running):
    assert running.ask("plain.example") == "NOTFOUND "
    maps = [{"name": "postfix", "no_policy": "encrypt"}, {"name": "mine", "form": "tlsrpt"}]
    with running.connect() as connection:
        assert connection.ask("mine", "dane.example").startswith("PERM ")
        assert reload(running, map=maps) == changed("map")
        assert connection.ask("postfix", "plain.example") == "OK encrypt"
        assert connection.ask("mine", "dane.example") == "OK dane-only"


def test_verdict(running):
    assert running.ask("dane.example") == "OK dane-only"
    assert reload(running, verdict={"postfix_dnssec": False}) == changed("verdict")
    assert running.ask("dane.example") == "NOTFOUND "


def test_overrides(running):
    file = running.folder / "overrides"
    verdict = {"overrides": str(file)}
    assert reload(running, verdict=verdict) == changed()
    assert running.ask("dane.example") == "OK dane-only"
    file.write_text("dane.example may\n", encoding="ascii")
    assert reload(running, verdict=verdict) == changed("overrides")
    assert running.ask("dane.example") == "OK may"
    file.unlink()
    assert reload(running, verdict=verdict) == changed("overrides")
    assert running.ask("dane.example") == "OK dane-only"


def test_dns(running):
    assert running.explain("dane.example")["mx"]["state"] == "secure"
    assert reload(running, dns={"trust_anchor": []}) == changed("dns")
    assert running.explain("dane.example")["mx"]["state"] == "insecure"


def test_renewed_trust_anchor(running, world):
    """The same name, other contents."""
    anchor = running.folder / "root.key"
    good = world.trust_anchor.read_text()
    anchor.write_text(good)
    dns = {"trust_anchor": [str(anchor)]}
    assert reload(running, dns=dns) == changed("dns")
    assert running.explain("dane.example")["mx"]["state"] == "secure"
    key = re.search(r"[\w+/]{40,}", good).group()
    anchor.write_text(good.replace(key, key[:20] + key[20:40].swapcase() + key[40:]))
    assert reload(running, dns=dns) == changed("dns")
    # The fault is ours: nobody says bogus of a domain.
    assert running.explain("dane.example")["mx"]["state"] == "failed"


def test_https(running):
    assert reload(running, https={"allow_private": False}) == changed("https")
    assert running.explain("sts-two.example")["mta_sts"]["fetch_fault"] == "private-address"
    strangers = running.folder / "ca.pem"
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    end = "-----END CERTIFICATE-----\n"
    with open(certificates, encoding="ascii") as file:
        strangers.write_text(file.read().partition(end)[0] + end, encoding="ascii")
    assert reload(running, https={"ca_file": str(strangers)}) == changed("https")
    assert running.explain("sts-wildcard.example")["mta_sts"]["fetch_fault"] == "cert-untrusted"


def test_limits(running):
    assert reload(running, limits={"deadline": "300ms", "connections": 100}) == changed("listen", "limits")
    begun = time.monotonic()
    running.ask("sts-slow.example")
    assert time.monotonic() - begun < 5
    assert running.explain("sts-slow.example")["partial"]


def test_cache_and_log(running):
    assert reload(running, cache={"memory": "1M"}, log={"format": "json"}) == changed(
        "cache", "log"
    )
    running.wait_for_log('"reloaded"')
    lines = running.log.read_text().splitlines()
    assert "reloaded" in [json.loads(line)["event"] for line in lines if line.startswith("{")]
    assert reload(running, cache={"memory": "1M"}, log={"level": "error"}) == changed("log")
    running.ask("dane.example")
    reload(running, cache={"memory": "1M"}, log={"level": "error"})
    assert running.log.read_text().count('"reloaded"') == 1


def test_what_needs_a_restart(running):
    other = running.folder / "other"
    other.mkdir()
    for _ in range(2):  # as long as it has not been restarted
        said = reload(running, state_dir=str(other), user="root", threads=3)
        assert said == {"changed": [], "needs_restart": ["state_dir", "user", "threads"]}
    assert list(other.iterdir()) == []
    assert "takes effect only after a restart: state_dir, user, threads" in running.tool("reload").stdout


# --- A bad file ------------------------------------------------------------------------------

def bad_configurations(daemon) -> dict[str, tuple[str, str]]:
    """The file, and a word of the message."""
    overrides = daemon.folder / "bad-overrides"
    overrides.write_text("example.com no-such-level\n", encoding="ascii")
    listen = daemon.settings["listen"]

    def written(**changes) -> str:
        harmless = {"verdict": {"postfix_dnssec": False}, "log": {"level": "error"}}
        return to_toml(daemon.with_settings(**{**harmless, **changes}))

    return {
        "unknown key": (written(limits={"lookup": 1}), "lookups"),
        "not TOML": (written() + "[dns\n", str(daemon.configuration)),
        "overrides": (written(verdict={"overrides": str(overrides)}), f"{overrides}:1"),
        "trust anchor": (written(dns={"trust_anchor": ["/nonexistent"]}), "/nonexistent"),
        "CA file": (written(https={"ca_file": "/nonexistent"}), "/nonexistent"),
        "listener": (written(listen=[*listen, {"address": "inet:192.0.2.1:8461"}]), "192.0.2.1"),
        "owner": (written(listen=[*listen, {"address": f"unix:{daemon.folder}/x.sock",
                                            "owner": "no-such-user"}]), "no-such-user"),
    }


def test_bad_file_changes_nothing(running):
    assert running.ask("dane.example") == "OK dane-only"
    for name, (text, word) in bad_configurations(running).items():
        running.configuration.write_text(text, encoding="utf-8")
        result = running.tool("--socket", str(running.folder / "admin.sock"), "reload")
        assert (result.returncode, result.stdout) == (CONFIG, ""), name
        assert word in result.stderr, name
        status = running.status()
        assert word in status["reload_error"], name
        assert status["memory"]["answers"] == 1, name
        failures = [line for line in running.log_text().splitlines() if "reload-failed" in line]
        assert word in failures[-1], name
        assert running.ask("dane.example") == "OK dane-only"
        assert not (running.folder / "x.sock").exists()
    assert reload(running) == changed()
    assert running.status()["reload_error"] == ""


def test_hang_up_does_the_same(running):
    def hang_up_until(text: str) -> None:
        running.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 20
        while text not in running.log.read_text():
            assert time.monotonic() < end, running.log_text()
            time.sleep(0.02)

    running.write_configuration(running.with_settings(verdict={"postfix_dnssec": False}))
    hang_up_until("reloaded changed=verdict")
    assert running.ask("dane.example") == "NOTFOUND "
    running.configuration.write_text("\nnonsense = 1\n", encoding="ascii")
    hang_up_until("reload-failed")
    message = f"{running.configuration}:2: nonsense: "
    assert running.status()["reload_error"].startswith(message)


def test_nobody_to_reload(new_daemon):
    assert new_daemon().tool("reload").returncode == UNAVAILABLE


# --- While it works --------------------------------------------------------------------------

@pytest.mark.timed
def test_lookups_in_the_air_end_with_the_old_parts(new_daemon):
    """One that waits for a silent name server, and one for a slow policy host."""
    daemon = new_daemon(dns={"timeout": "2s"}, limits={"deadline": "4s"})
    daemon.start()
    with daemon.connect() as resolving, daemon.connect() as fetching:
        resolving.send(request("postfix", "in-flight.example"))
        fetching.send(request("postfix", "sts-slow.example"))
        time.sleep(0.5)
        said = reload(daemon, dns={"timeout": "3s"}, https={"timeout": "20s"})
        assert said == changed("dns", "https")
        assert daemon.status()["lookups"]["pending"] == 2
        assert daemon.ask("dane.example") == "OK dane-only"
        assert resolving.receive() == "OK dane"
        assert fetching.receive() == "NOTFOUND "


@pytest.mark.timed
def test_fifty_times_while_asked(running):
    """The resolver, the fetcher, the maps and a listener change each time."""
    listen = running.settings["listen"]
    extra = {"address": f"unix:{running.folder}/extra.sock", "protocol": "socketmap"}
    with Clients(running.connect, running.connect_unix) as clients:
        for n in range(50):
            running.write_configuration(running.with_settings(
                listen=[*listen, extra] if n % 2 else listen,
                map=[{"name": f"map{n % 3}", "form": "tlsrpt", "no_policy": "may"}],
                dns={"timeout": f"{7 + n % 2}s"},
            ))
            running.process.send_signal(signal.SIGHUP)
            if n % 5 == 0:  # asked between reloads, however slow the machine is
                clients.wait_for_answers()
            else:
                time.sleep(0.05)
        clients.wait_for_answers()
    assert clients.failures() == []
    assert clients.answered() > 40
    running.wait_for_log("reloaded changed=", times=10)
    assert "reload-failed" not in running.log.read_text()
