# test_doctor.py: postseal doctor finds what is wrong between Postfix and postseald, and what it
# says to mend it does
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import pathlib
import re
import shutil
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from daemon import PROJECT, Daemon
from hostile.delegating import ZONE, DelegatingServer
from postfix import Outcome, policy_map
from postfix_release import SYSTEM
from sick_postfix import OldSignature, Patient, doctor, examine_running, tools_of
from world import addresses

SKEWED_RESOLVER = "127.53.0.10"
OUTDATED = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
CHECKS = {"daemon", "maps", "map-form", "socket", "dns-support", "ca-file", "security-level",
          "insecure-mx", "resolver", "clock", "trust-anchor", "validation"}


@pytest.fixture
def folder():
    """User postfix may pass through it, unlike pytest's own."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="postseal-doctor-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def ours(world, programs, new_postfix, folder):
    """A daemon, which runs, for a Postfix whose level is dane; its resolver runs, too."""
    verdict, dns = {"default_level": "dane"}, {"trust_anchor": [str(world.trust_anchor)]}
    with Daemon(world, folder / "daemon", 8490, verdict=verdict, dns=dns) as daemon_:
        yield daemon_


@pytest.fixture
def patient(ours, folder, release):
    patient_ = Patient(folder, ours, release)
    patient_.write()
    return patient_


system_only = pytest.mark.parametrize("release", [SYSTEM], indirect=True, scope="session")


def findings_of(findings: list[dict], check: str, severity: str) -> list[dict]:
    return [finding for finding in findings
            if (finding["check"], finding["severity"]) == (check, severity)]


def wrong(findings: list[dict]) -> set[tuple[str, str]]:
    return {(finding["check"], finding["severity"]) for finding in findings
            if finding["severity"] != "ok"}


def mend(patient: Patient, check: str, severity: str) -> None:
    """That finding and no other; what it says is done, and there is none."""
    findings = patient.examine()
    assert wrong(findings) == {(check, severity)}, findings
    for finding in findings_of(findings, check, severity):
        assert finding["what"] and finding["why"] and finding["fix"]
        for fix in finding["fix"]:
            patient.carry_out(fix)
    findings = patient.examine()
    assert wrong(findings) == set(), findings


def test_nothing_wrong(patient):
    findings = patient.examine()
    assert wrong(findings) == set(), findings
    assert {finding["check"] for finding in findings} == CHECKS


@system_only
def test_nothing_is_wrong_with_what_the_package_and_readme_say(ours, folder, release):
    """The [verdict] of the packaged file beside README's main.cf."""
    packaged = tomllib.loads((PROJECT / "contrib/etc/postseal.toml").read_text(encoding="utf-8"))
    assert packaged == {"verdict": ours.settings["verdict"]}
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    block = readme.partition("main.cf\n-------\n")[2].partition("\nDANE needs")[0]
    main = dict(re.findall(r"^    (smtp_\w+) = (.*)$", block, re.MULTILINE))
    assert main.pop("smtp_tls_policy_maps") == "socketmap:inet:127.0.0.1:8461:postfix"
    patient = Patient(folder, ours, release)
    for name in list(patient.settings):
        if name.startswith("smtp_") and name != "smtp_tls_policy_maps":
            del patient.settings[name]
    patient.settings.update(main)
    patient.write()
    findings = patient.examine()
    assert wrong(findings) == set(), findings


# --- main.cf ---------------------------------------------------------------------------------

def insecure_mx_by_default(release) -> set[tuple[str, str]]:
    """Before 3.10 smtp_tls_dane_insecure_mx_policy goes by smtp_tls_security_level."""
    return {("insecure-mx", "warning")} if release.version < (3, 10) else set()


def test_postfix_as_it_comes(patient, release):
    """One that knows nothing of us: what the doctor says, and no more, makes it fit."""
    for name in list(patient.settings):
        if name.startswith("smtp_"):
            del patient.settings[name]
    patient.write()
    findings = patient.examine()
    assert wrong(findings) == {
        ("maps", "problem"), ("dns-support", "problem"), ("ca-file", "problem"),
        ("security-level", "problem"), *insecure_mx_by_default(release),
    }
    for finding in findings:
        for fix in finding["fix"]:
            patient.carry_out(fix)
    findings = patient.examine()
    assert wrong(findings) == set(), findings


ILLNESSES = {  # what main.cf says, what is found
    "asks-nobody": ({"smtp_tls_policy_maps": ""}, "maps", "problem"),
    "asks-another-port": ({"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:1:postfix"},
                          "maps", "problem"),
    "asks-a-file": ({"smtp_tls_policy_maps": "texthash:/mnt/x"}, "maps", "problem"),
    "asks-a-missing-file-first": (
        {"smtp_tls_policy_maps": "hash:/mnt/missing, $own_map"}, "maps", "problem"),
    "asks-the-admin-socket": (
        {"smtp_tls_policy_maps": "socketmap:unix:$admin_socket:postfix"}, "maps", "problem"),
    "asks-a-wrong-path": (
        {"smtp_tls_policy_maps": "socketmap:unix:/run/postseal-no/x.sock:postfix"},
        "maps", "problem"),
    "leaves-inet-out": ({"smtp_tls_policy_maps": "socketmap:127.0.0.1:8490:postfix"},
                        "maps", "problem"),
    "asks-somebody-first": (
        {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:1:x, $own_map"}, "maps", "problem"),
    "no-such-map": ({"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:8490:nosuch"},
                    "maps", "problem"),
    "no-dnssec": ({"smtp_dns_support_level": ""}, "dns-support", "problem"),
    "no-dns": ({"smtp_host_lookup": "native"}, "dns-support", "problem"),
    "no-ca": ({"smtp_tls_CAfile": ""}, "ca-file", "problem"),
    "ca-is-missing": ({"smtp_tls_CAfile": "/nonexistent.pem"}, "ca-file", "problem"),
    "ca-is-none": ({"smtp_tls_CAfile": "/etc/hostname"}, "ca-file", "problem"),
    "too-weak": ({"smtp_tls_security_level": "may", "smtp_tls_dane_insecure_mx_policy": "dane"},
                 "security-level", "problem"),
    "no-level": ({"smtp_tls_security_level": "", "smtp_tls_dane_insecure_mx_policy": "dane"},
                 "security-level", "problem"),
    "stronger": ({"smtp_tls_security_level": "encrypt", "smtp_tls_dane_insecure_mx_policy": "dane"},
                 "security-level", "problem"),
    "insecure-mx": ({"smtp_tls_dane_insecure_mx_policy": "may"}, "insecure-mx", "warning"),
}


@system_only
@pytest.mark.parametrize("illness", ILLNESSES)
def test_main_cf(patient, illness):
    settings, check, severity = ILLNESSES[illness]
    own_map = patient.settings["smtp_tls_policy_maps"]
    patient.settings.update(settings, own_map=own_map,
                            admin_socket=str(patient.daemon.folder / "admin.sock"))
    patient.write()
    mend(patient, check, severity)


def test_map_form(patient, release):
    new = release.version >= (3, 10)
    other = "postfix" if new else "tlsrpt"
    patient.settings["smtp_tls_policy_maps"] = patient.daemon.socketmap(other)
    patient.write()
    mend(patient, "map-form", "warning" if new else "problem")


def test_insecure_mx_by_default(patient, release):
    patient.settings["smtp_tls_security_level"] = "may"
    patient.write()
    patient.daemon.settings["verdict"]["default_level"] = "may"
    patient.daemon.write_configuration(patient.daemon.settings)
    assert patient.daemon.tool("reload").returncode == 0
    if insecure_mx_by_default(release):
        mend(patient, "insecure-mx", "warning")
    assert wrong(patient.examine()) == set()


def test_option_of_a_service(patient):
    patient.options["smtp_dns_support_level"] = "enabled"
    patient.options["smtp_tls_policy_maps"] = "texthash:/mnt/x"
    patient.write()
    findings = patient.examine()
    assert wrong(findings) == {("maps", "problem"), ("dns-support", "problem")}
    for finding in findings:
        for fix in finding["fix"]:
            assert " -P 'smtp/unix/" in fix["command"]
            patient.carry_out(fix)
    assert wrong(patient.examine()) == set()


# --- Sockets ---------------------------------------------------------------------------------

def by_unix_socket(patient: Patient, path: str) -> None:
    map_name = patient.settings["smtp_tls_policy_maps"].rpartition(":")[2]
    patient.settings["smtp_tls_policy_maps"] = f"socketmap:unix:{path}:{map_name}"
    patient.write()


@system_only
def test_permissions_of_the_socket(patient):
    by_unix_socket(patient, patient.daemon.unix_socket)
    mend(patient, "permissions", "problem")


@system_only
def test_permissions_of_a_folder(patient):
    patient.daemon.unix_socket.chmod(0o666)
    patient.daemon.folder.chmod(0o700)
    by_unix_socket(patient, patient.daemon.unix_socket)
    mend(patient, "permissions", "problem")


@system_only
def test_socket_out_of_the_chroot(patient):
    patient.chroot = "y"
    by_unix_socket(patient, patient.daemon.unix_socket)
    mend(patient, "socket", "problem")


@system_only
def test_socket_in_the_chroot(patient):
    patient.chroot = "y"
    socket_ = patient.queue / "postseal.sock"
    patient.daemon.settings["listen"].append(
        {"address": f"unix:{socket_}", "protocol": "socketmap", "mode": "0666"})
    patient.daemon.write_configuration(patient.daemon.settings)
    refused = patient.daemon.tool("reload")  # a folder that the sandbox has not been told of
    assert refused.returncode == 78 and "restart it" in refused.stderr
    patient.daemon.stop()
    patient.daemon.start()
    by_unix_socket(patient, "postseal.sock")
    findings = patient.examine()
    assert wrong(findings) == set(), findings
    assert findings_of(findings, "permissions", "ok")


@system_only
def test_socket_is_gone(patient):
    by_unix_socket(patient, patient.daemon.unix_socket)
    patient.daemon.unix_socket.unlink()
    [finding] = findings_of(patient.examine(), "socket", "problem")
    assert finding["fix"] == [{"command": "systemctl restart postseald"}]
    patient.daemon.restart()
    assert not findings_of(patient.examine(), "socket", "problem")


# --- The daemon ------------------------------------------------------------------------------

@system_only
def test_daemon_does_not_run(patient):
    patient.daemon.stop()
    mend(patient, "daemon", "problem")


@system_only
def test_daemon_has_not_read_its_configuration(patient):
    patient.daemon.settings["verdict"]["default_level"] = "may"
    patient.daemon.write_configuration(patient.daemon.settings)
    [finding] = findings_of(patient.examine(), "daemon", "warning")
    assert finding["fix"] == [{"command": "postseal reload"}]
    patient.carry_out(finding["fix"][0])
    findings = patient.examine()
    assert not findings_of(findings, "daemon", "warning")
    assert findings_of(findings, "security-level", "warning"), "now it is about the new one"


# --- The machine -----------------------------------------------------------------------------

RESOLVERS = {  # address, a word of the finding
    "does-not-validate": (addresses.ROOT_SERVER, "AD bit"),
    "fails": (addresses.FAILING_SERVER, "SERVFAIL"),
    "is-dead": (addresses.DEAD_SERVER, "refused"),
    "is-no-address": ("resolver.example", "not an address"),
}


@system_only
@pytest.mark.parametrize("name", RESOLVERS)
def test_resolver(patient, name):
    address, word = RESOLVERS[name]
    patient.resolv_conf.write_text(f"search example\nnameserver {address}\n", encoding="ascii")
    [finding] = findings_of(patient.examine(), "resolver", "problem")
    assert address in finding["what"] and word in finding["what"]
    mend(patient, "resolver", "problem")


@system_only
def test_name_servers_at_a_private_address(patient):
    # All of the world's are at loopback addresses; that of this zone is not named.
    patient.daemon.settings["dns"]["private_name_servers"] = ["127.53.0.0/29"]
    patient.daemon.write_configuration(patient.daemon.settings)
    assert patient.daemon.tool("reload").returncode == 0
    zone = f"z0.one-zone.{ZONE}"
    patient.settings["relayhost"] = f"[h0.{zone}]"
    patient.write()
    with DelegatingServer() as servers:
        [finding] = findings_of(patient.examine(), "name-servers", "warning")
        assert f"ns.{zone} at {addresses.VICTIM_SERVER}" in finding["what"]
        assert not servers.packets
        mend(patient, "name-servers", "warning")
        assert servers.packets


@system_only
def test_any_of_the_resolvers(patient):
    patient.resolv_conf.write_text(
        f"nameserver 127.0.0.1\nnameserver {addresses.ROOT_SERVER}\n", encoding="ascii")
    mend(patient, "resolver", "problem")


@system_only
def test_dnssec_is_switched_off_in_vain(patient):
    patient.daemon.settings["verdict"]["postfix_dnssec"] = False
    patient.daemon.write_configuration(patient.daemon.settings)
    assert patient.daemon.tool("reload").returncode == 0
    mend(patient, "resolver", "warning")


@system_only
@pytest.mark.parametrize("days", [-3, 3])
def test_clock_by_the_signature_of_the_root(patient, days):
    patient.resolv_conf.write_text(f"nameserver {SKEWED_RESOLVER}\n", encoding="ascii")
    with OldSignature(SKEWED_RESOLVER, days * 86400):
        assert wrong(patient.examine()) == {("clock", "problem")}
    with OldSignature(SKEWED_RESOLVER, -3600):
        assert wrong(patient.examine()) == set()


@system_only
def test_clock_by_the_database(patient):
    database = patient.daemon.folder / "state" / "postseal.db"
    end = time.monotonic() + 10
    found = set()
    # The daemon may be writing it at this moment.
    while not found and time.monotonic() < end:
        if database.exists():
            os.utime(database, (time.time() + 3600,) * 2)
            found = wrong(patient.examine())
    assert found == {("clock", "problem")}


@system_only
def test_trust_anchor(patient, folder, world):
    anchor = folder / "root.key"
    anchor.write_text(OUTDATED, encoding="ascii")
    patient.daemon.settings["dns"]["trust_anchor"] = [str(anchor)]
    patient.daemon.write_configuration(patient.daemon.settings)
    [finding] = findings_of(patient.examine(), "trust-anchor", "problem")
    assert "38696" in finding["what"]
    shutil.copy(world.trust_anchor, anchor)
    assert wrong(patient.examine()) == set()


# --- What real Postfix then does -------------------------------------------------------------

# Of one client each: its options in master.cf, "$port" and so on filled in (planted()).
PLANTED = {
    "as-it-should-be": {},
    "another-case": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:$port:$MAP"},
    "localhost": {"smtp_tls_policy_maps": "socketmap:inet:localhost:$port:$map"},
    "inline-first": {"smtp_tls_policy_maps": "inline:{x.test=may}, $ours"},
    "static-first": {"smtp_tls_policy_maps": "static:may, $ours"},
    "asks-nobody": {"smtp_tls_policy_maps": ""},
    "asks-nobody-at-may": {"smtp_tls_policy_maps": "", "smtp_tls_security_level": "may"},
    "wrong-port": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:1:$map"},
    "wrong-port-first": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:1:$map, $ours"},
    "wrong-port-last": {"smtp_tls_policy_maps": "$ours, socketmap:inet:127.0.0.1:1:$map"},
    "wrong-port-of-tcp": {"smtp_tls_policy_maps": "tcp:127.0.0.1:1"},
    "wrong-family": {"smtp_tls_policy_maps": "socketmap:inet:[::1]:$port:$map"},
    "no-such-map": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:$port:nosuch"},
    "no-map-name": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:$port:"},
    "second-colon": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:$port:$map:x"},
    "no-inet": {"smtp_tls_policy_maps": "socketmap:127.0.0.1:$port:$map"},
    "no-inet-first": {"smtp_tls_policy_maps": "socketmap:127.0.0.1:$port:$map, $ours"},
    "admin-socket": {"smtp_tls_policy_maps": "socketmap:unix:$folder/admin.sock:$map"},
    "wrong-path": {"smtp_tls_policy_maps": "socketmap:unix:$folder/nothing.sock:$map"},
    "wrong-path-in-queue": {"smtp_tls_policy_maps": "socketmap:unix:postseal/x.sock:$map"},
    "status-page": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:8492:$map"},
    "delegation-listener": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:8493:$map"},
    "tcp-to-socketmap": {"smtp_tls_policy_maps": "tcp:127.0.0.1:$port"},
    "map-for-requiretls": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:$port:requiretls"},
    "map-for-another-version": {"smtp_tls_policy_maps": "socketmap:inet:127.0.0.1:$port:$other"},
    "hash-first": {"smtp_tls_policy_maps": "hash:/mnt/etc/missing, $ours"},
    "hash-last": {"smtp_tls_policy_maps": "$ours, hash:/mnt/etc/missing"},
    "texthash-alone": {"smtp_tls_policy_maps": "texthash:/mnt/etc/missing"},
    "texthash-first": {"smtp_tls_policy_maps": "texthash:/mnt/etc/missing, $ours"},
    "regexp-first": {"smtp_tls_policy_maps": "regexp:/mnt/etc/missing, $ours"},
    "unknown-type-first": {"smtp_tls_policy_maps": "nosuch:/x, $ours"},
    "union-with-dead": {"smtp_tls_policy_maps": "unionmap:{$ours,hash:/mnt/etc/missing}"},
    "not-for-proxymap": {"smtp_tls_policy_maps": "proxy:$ours"},
    "no-ca": {"smtp_tls_CAfile": ""},
    "ca-is-missing": {"smtp_tls_CAfile": "/nonexistent.pem"},
    "ca-is-none": {"smtp_tls_CAfile": "/etc/hostname"},
    "no-dnssec": {"smtp_dns_support_level": "enabled"},
    "level-none": {"smtp_tls_security_level": "none"},
    "level-may": {"smtp_tls_security_level": "may"},
    "level-unknown": {"smtp_tls_security_level": "high"},
}
# smtp(8) ends as soon as it starts, and again and again: no delivery is tried, and the mail stays in
# the active queue without a status.
ENDS_AT_ONCE = {"second-colon", "no-inet", "no-inet-first", "not-for-proxymap", "level-unknown"}
# What a finding's "why" says, and which mail it means; the last line is every other problem.
ALL = {"plain", "enforce", "dane"}
SAID_OF_DEFERRED = [
    ("defers all mail", ALL), ("sends nothing", ALL),
    ("defers the mail that postseald has no policy for", {"plain"}),
    ("mail that must be encrypted, as DANE and MTA-STS demand, is deferred", {"enforce", "dane"}),
    ("attributes of an MTA-STS policy, and defers", {"enforce"}),
    ("it answers PERM, and Postfix defers the mail", ALL),
    ("does not know its words here, and defers the mail", ALL),
    ("the two protocols do not match, and Postfix defers", ALL),
    ("proxymap(8) refuses to look it up", ALL),
    ("enforced MTA-STS policy is deferred", {"enforce"}),
    ("dane-only is deferred", {"dane"}),
]


def said_to_be_deferred(findings: list[dict], service: str) -> set[str]:
    deferred = set()
    for finding in findings:
        if finding["severity"] != "problem" or f"{service}/unix" not in json.dumps(finding):
            continue
        for words, mail in SAID_OF_DEFERRED:
            if words in finding["why"]:
                deferred |= mail
    return deferred


@dataclass(frozen=True)
class Planted:
    findings: list[dict]
    outcomes: dict[tuple[str, str], Outcome | None]  # by name and kind of mail
    names: dict[str, str]  # of the clients in master.cf
    explained: dict[tuple[str, str], str]  # what explain --probe expects, the same
    log: str


def explain_for(daemon_: Daemon, postfix, folder: pathlib.Path, transport: str) -> dict[str, str]:
    """The line "mail" of explain --probe, by kind of mail, for that client of Postfix."""
    resolv_conf = folder / "resolv.conf"
    resolv_conf.write_text(f"nameserver {addresses.VALIDATING_RESOLVER}\n", encoding="ascii")
    kinds = sorted(ALL)
    result = daemon_.tool(
        "explain", "--probe", "--json", "--postconf",
        str(tools_of(postfix, folder, postfix.folder, transport)), "--postfix-config",
        "/mnt/etc", "--resolv-conf", str(resolv_conf),
        *(f"{kind}.mail.example" for kind in kinds))
    assert result.returncode == 0, result.stderr
    found = json.loads("[" + result.stdout.replace("}\n{", "},{") + "]")
    return {kind: of_kind["mail"] for kind, of_kind in zip(kinds, found, strict=True)}


def services_of(daemon_: Daemon, names: dict[str, str], release) -> str:
    """A client in master.cf for each misconfiguration."""
    own = policy_map(release)
    other = "postfix" if own == "tlsrpt" else "tlsrpt"
    filled_in = {"$port": str(daemon_.port), "$folder": str(daemon_.folder), "$map": own,
                 "$MAP": own.upper(), "$other": other, "$ours": daemon_.socketmap(own)}
    services = ""
    for name, client in names.items():
        services += f"{client} unix - - n - - smtp\n"
        for option, value in PLANTED[name].items():
            for variable, text in filled_in.items():
                value = value.replace(variable, text)
            services += f"    -o {{ {option} = {value} }}\n"
    return services


@pytest.fixture(scope="module")
def planted(world, programs, new_postfix, release):
    """One Postfix with a client for each misconfiguration: what doctor says of each, and what
    becomes of three messages by each."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postseal-planted-"))
    folder.chmod(0o755)
    names = {name: f"m{number:02}" for number, name in enumerate(PLANTED, 1)}
    mail = {(name, kind): f"{names[name]}@{kind}.mail.example"
            for name in names for kind in sorted(ALL)}
    transports = " ".join(f"{{{to} = {names[name]}:}}" for (name, _), to in mail.items())
    listen = [{"address": "inet:127.0.0.1:8492", "protocol": "http"},
              {"address": "inet:127.0.0.1:8493", "protocol": "delegation"}]
    with Daemon(world, folder / "daemon", 8491, listen=listen,
                verdict={"default_level": "dane"}) as daemon_, new_postfix(release, {
                    "smtp_tls_security_level": "dane",
                    "smtp_tls_dane_insecure_mx_policy": "dane",
                    "smtp_tls_policy_maps": daemon_.socketmap(policy_map(release)),
                    "transport_maps": f"inline:{{{transports}}}",
                }, services_of(daemon_, names, release)) as postfix:
        postfix.send(list(mail.values()))

        def explain(name: str) -> dict[tuple[str, str], str]:
            tools = folder / name
            tools.mkdir()
            lines = explain_for(daemon_, postfix, tools, names[name])
            return {(name, kind): line for kind, line in lines.items()}

        # While Postfix tries. A client of tcp: does ten times, a second apart, and so do these.
        with ThreadPoolExecutor(4) as several:
            examined = several.submit(examine_running, daemon_, postfix, folder, postfix.folder)
            explained = {key: line for lines in several.map(explain, names)
                         for key, line in lines.items()}
            findings = examined.result()
        outcomes = postfix.outcomes(
            [to for (name, _), to in mail.items() if name not in ENDS_AT_ONCE], 120)
        log = postfix.log_text()
    yield Planted(findings, {key: outcomes.get(to) for key, to in mail.items()}, names,
                  explained, log)
    shutil.rmtree(folder)


tried = pytest.mark.parametrize("name", PLANTED)


@tried
def test_doctor_does_not_contradict_postfix(planted, name):
    service = planted.names[name]
    deferred = said_to_be_deferred(planted.findings, service)
    told = [finding for finding in planted.findings if f"{service}/unix" in json.dumps(finding)]
    if name in ENDS_AT_ONCE:
        assert deferred == ALL, told
        assert "fatal: " in planted.log
        assert not [kind for kind in ALL if (planted.outcomes[name, kind] is not None
                                             and planted.outcomes[name, kind].status == "sent")]
        return
    for kind in sorted(ALL):
        outcome = planted.outcomes[name, kind]
        assert outcome is not None, f"{kind}: nothing became of it"
        expected = "deferred" if kind in deferred else "sent"
        assert outcome.status == expected, (kind, outcome, told)


@tried
def test_explain_does_not_contradict_postfix(planted, name):
    for kind in sorted(ALL):
        outcome = planted.outcomes[name, kind]
        said = planted.explained[name, kind]
        if name in ENDS_AT_ONCE:
            assert said.startswith("deferred: "), (kind, said)
        else:
            assert outcome is not None, f"{kind}: nothing became of it"
            assert re.match(r"\w+", said)[0] == outcome.status, (kind, said, outcome)


def test_forty_are_planted():
    assert len(PLANTED) == 40


# --- A fake postconf -------------------------------------------------------------------------

VERSIONS = {  # the map that fits
    "2.11.11": "postfix", "3.5.25": "postfix", "3.9.4": "postfix", "3.10.0": "tlsrpt",
    "3.11.7": "tlsrpt", "3.12-20260801": "tlsrpt",
}


@pytest.fixture
def told(ours, folder):
    return Patient(folder, ours, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_form_by_version(told, version):
    fits = VERSIONS[version]
    told.say(version=version, smtp_tls_policy_maps=told.daemon.socketmap(fits))
    assert wrong(told.examine()) == set()
    told.say(version=version)
    [finding] = findings_of(told.examine(), "maps", "problem")
    maps = told.daemon.socketmap(fits)
    assert finding["fix"] == [
        {"command": f"{told.postconf} -c /mnt -e 'smtp_tls_policy_maps = {maps}'"}
    ]


def test_too_old(told):
    told.say(version="2.10.10", smtp_tls_policy_maps=told.daemon.socketmap("postfix"))
    assert wrong(told.examine()) == {("maps", "problem")}


FAILURES = {
    "exits": ("#!/bin/sh\necho 'postconf: fatal: bad thing' >&2\nexit 1\n", "bad thing"),
    "hangs": ("#!/bin/sh\nexec sleep 60\n", "does not end"),
    "is-another": ("#!/bin/sh\necho hello\n", "not postconf"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_postconf_fails(told, name):
    script, word = FAILURES[name]
    told.postconf.write_text(script, encoding="ascii")
    told.postconf.chmod(0o755)
    findings = told.examine()
    assert wrong(findings) == {("postconf", "problem")}, "the rest is examined"
    assert word in findings_of(findings, "postconf", "problem")[0]["what"]
    assert findings_of(findings, "trust-anchor", "ok")


# --- Output ----------------------------------------------------------------------------------

@system_only
def test_text(patient):
    result = patient.run()
    assert result.returncode == 0 and result.stderr == ""
    assert all(line.startswith("ok ") for line in result.stdout.splitlines())
    patient.settings["smtp_dns_support_level"] = ""
    patient.write()
    result = patient.run()
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("problem "))
    assert lines[at] == "problem  dns-support: smtp_dns_support_level is empty, not dnssec"
    assert lines[at + 1].startswith("           why: ")
    command = f"{patient.postconf} -c /mnt -e 'smtp_dns_support_level = dnssec'"
    assert lines[at + 2] == f"           fix: {command}"
    assert "\033" not in result.stdout


def test_exit_status(programs, tmp_path):
    assert doctor("--nosuchoption").returncode == 64
    assert doctor("--config", str(tmp_path / "nosuchfile")).returncode == 78
    assert "Examples:\n  postseal doctor\n" in doctor("--help").stdout
