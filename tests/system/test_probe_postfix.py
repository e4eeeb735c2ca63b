# test_probe_postfix.py: what postseal probe and explain --probe predict for the Postfix that is
# there, its map, CA file, resolver and version, is what that Postfix then does
# SPDX-License-Identifier: BSD-3-Clause
import json
import pathlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field

import pytest

from daemon import Daemon
from postfix import Outcome, policy_map
from sick_postfix import tools_of
from world import addresses, validating_resolver

STATUS = {"sealed": "sent", "encrypted": "sent", "clear": "sent", "deferred": "deferred",
          "bounced": "bounced"}
SURENESS = {"Verified": "sealed", "Trusted": "encrypted", "Untrusted": "encrypted", "none": "clear"}
PATIENCE = 60  # seconds
OTHER_ROOT = "/mnt/etc/other.pem"
HIDING_RESOLVER = "127.53.0.77"


@dataclass(frozen=True)
class Case:
    domain: str
    options: dict[str, str] = field(default_factory=dict)  # of the client in master.cf


CASES = {
    "map-that-main.cf-names": Case("enforce-wildcard-deep.mail.example"),
    "map-of-the-other-version": Case("enforce.mail.example", {"smtp_tls_policy_maps": "$tlsrpt"}),
    "no-map": Case("enforce.mail.example", {"smtp_tls_policy_maps": ""}),
    "table-in-front": Case("enforce.mail.example",
                           {"smtp_tls_policy_maps": "static:may, $ours"}),
    "table-in-front-for-the-parent": Case(
        "dane-wrong.mail.example",
        {"smtp_tls_policy_maps": "inline:{.mail.example=none}"}),
    "table-in-front-is-broken": Case("dane.mail.example",
                                     {"smtp_tls_policy_maps": "hash:/nonexistent, $ours"}),
    "root-is-missing": Case("enforce.mail.example",
                            {"smtp_tls_CAfile": OTHER_ROOT}),
    "root-is-missing-for-dane": Case("dane.mail.example",
                                     {"smtp_tls_CAfile": OTHER_ROOT}),
    "ca-file-is-missing": Case("dane.mail.example", {"smtp_tls_CAfile": "/nonexistent.pem"}),
    "ca-file-is-missing-for-may": Case("plain.mail.example",
                                       {"smtp_tls_CAfile": "/nonexistent.pem"}),
    "no-dnssec": Case("dane.mail.example", {"smtp_dns_support_level": "enabled"}),
    "level": Case("plain-no-starttls.mail.example", {"smtp_tls_security_level": "encrypt"}),
    "insecure-mx": Case("insecure-mx-wrong.mail.example",
                        {"smtp_tls_dane_insecure_mx_policy": "may"}),
    "remote-421": Case("busy.mail.example"),
    "right": Case("dane.mail.example"),
}


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="postseal-probe-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def predict(daemon: Daemon, folder: pathlib.Path, postfix, domain: str, *,
            resolv_conf: pathlib.Path, map_: str = "") -> dict:
    postconf = tools_of(postfix, folder, postfix.folder)
    result = daemon.tool("probe", "--json", "--postconf", str(postconf), "--postfix-config",
                         "/mnt/etc", "--resolv-conf", str(resolv_conf),
                         *(["--map", map_] if map_ else []), domain)
    assert result.returncode in (0, 1, 75), result.stderr
    return json.loads(result.stdout)


def some_root() -> str:
    """Of this machine's trust store, so not that of the test world."""
    text = pathlib.Path("/etc/ssl/certs/ca-certificates.crt").read_text(encoding="ascii")
    end = "-----END CERTIFICATE-----\n"
    return text[:text.index(end)] + end


def agree(found: dict, outcome: Outcome) -> None:
    predicted = found["outcome"]
    assert STATUS[predicted["kind"]] == outcome.status, (predicted, outcome)
    if outcome.status == "sent":
        assert predicted["kind"] == SURENESS[outcome.tls], (predicted, outcome)
        assert predicted["host"] == outcome.host, (predicted, outcome)


@pytest.mark.parametrize("name", CASES)
def test_predicts_what_it_then_does(world, new_postfix, policies, release, folder, name):
    case = CASES[name]
    resolv_conf = folder / "resolv.conf"
    resolv_conf.write_text(f"nameserver {addresses.VALIDATING_RESOLVER}\n", encoding="ascii")
    own = policy_map(release)
    settings = {
        "smtp_tls_security_level": "dane",
        "smtp_tls_dane_insecure_mx_policy": "dane",
        "smtp_tls_policy_maps": policies.socketmap(own),
    }
    for option, value in case.options.items():
        settings[option] = (value.replace("$ours", policies.socketmap(own))
                            .replace("$tlsrpt", policies.socketmap("tlsrpt")))
    to = f"{release.name}-{name}@{case.domain}"
    with new_postfix(release, settings, files={"other.pem": some_root()}) as postfix:
        postfix.send([to])
        outcomes = postfix.outcomes([to], PATIENCE)
        found = predict(policies, folder, postfix, case.domain, resolv_conf=resolv_conf)
    assert to in outcomes, "neither sent nor deferred nor bounced in time"
    agree(found, outcomes[to])


def test_a_resolver_that_hides_tlsa(world, new_postfix, policies, release, folder):
    """Split horizon: what postseald sees, Postfix does not, and so it defers."""
    resolver = validating_resolver.ValidatingResolver(
        folder / "resolver", world.trust_anchor, world.root_hints, HIDING_RESOLVER,
        'local-zone: "_25._tcp.mx.dane.mail.example." always_nodata')
    to = f"{release.name}-hidden@dane.mail.example"
    with resolver, new_postfix(release, {
        "smtp_tls_security_level": "dane",
        "smtp_tls_policy_maps": policies.socketmap(policy_map(release)),
    }, resolv_conf=resolver.resolv_conf) as postfix:
        postfix.send([to])
        outcomes = postfix.outcomes([to], PATIENCE)
        found = predict(policies, folder, postfix, "dane.mail.example",
                        resolv_conf=resolver.resolv_conf)
    assert outcomes[to].status == "deferred", outcomes[to]
    agree(found, outcomes[to])
    [difference] = found["differences"]
    assert "DANE of mx.dane.mail.example: 1 TLSA record" in difference
    assert "Postfix's resolver" in difference


def explain(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess:
    return daemon.tool("explain", "--probe", "--no-postfix", *arguments)


LINES = [
    ("dane.mail.example", "sent, sealed to mx.dane.mail.example: ", "nothing to do"),
    ("dane-wrong.mail.example", "deferred: mx.dane-wrong.mail.example: no TLSA record matches",
     "the domain's operator must correct what the hosts show"),
    ("enforce-expired.mail.example", "deferred: mx.enforce-expired.mail.example: certificate",
     "postseal overrides set enforce-expired.mail.example encrypt --until DAY"),
    ("plain.mail.example", "sent, encrypted but not sealed to mx.plain.mail.example: ",
     "postseal overrides set plain.mail.example encrypt"),
    ("busy.mail.example", "deferred: mx.busy.mail.example: the greeting is 421", "must answer"),
    ("null-mx.mail.example", "bounced: ", "correct the address"),
    ("bogus-mx.mail.example", "deferred: ", "must fix its DNSSEC"),
]


@pytest.mark.parametrize("domain, mail, next_", LINES, ids=lambda value: value[:30])
def test_explain_speaks_from_what_it_saw(policies, domain, mail, next_):
    result = explain(policies, domain)
    assert result.returncode == 0, result.stderr
    lines = dict(line.strip().split(None, 1) for line in result.stdout.splitlines()
                 if line.startswith(("  mail ", "  next ")) and "goes " not in line)
    found = json.loads(explain(policies, "--json", domain).stdout)
    assert mail in found["mail"] and next_ in found["next"], found
    assert lines["next"] == found["next"]
    assert found["probe"]["key"] == domain
    assert "was not tried" not in result.stdout


def test_explain_probe_of_an_address(policies):
    result = explain(policies, "[192.0.2.1]")
    assert result.returncode == 0 and "smtp_tls_security_level" in result.stdout
