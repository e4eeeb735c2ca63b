# test_examples.py: what postfix-examples/, README and man pages tell Postfix is right, says Postfix
#
# Postfix reads them in a folder of its own; that of the machine is not touched.
# SPDX-License-Identifier: BSD-3-Clause
import itertools
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import textwrap
import tomllib

import pytest

import examples
import mdoc
from examples import (
    EXAMPLES, check_faults, files_of, main_cf, postconf_faults, services_of, settings, unknown,
)
from mdoc import PROJECT
from programs import run

MAPS = {"postfix", "QUERY", "tlsrpt", "QUERYwithTLSRPT", "requiretls"}
AUTHENTICATES = {"dane-only", "fingerprint", "secure", "verify"}
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)


def postfix(*command) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def postfix_folder(tmp_path):
    """Makes a configuration folder for Postfix with an example, or a part of one, applied."""
    if not shutil.which("postconf"):
        pytest.skip("POSTFIX EXAMPLES NOT CHECKED: install postfix")
    master = next((path for path in ("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
                   if os.path.exists(path)), None)
    if master is None:
        pytest.skip("POSTFIX EXAMPLES NOT CHECKED: there is no master.cf to copy")

    def make(*applied, **more) -> pathlib.Path:
        folder = tmp_path / "etc"
        for name in ("etc", "spool", "lib"):
            (tmp_path / name).mkdir()
        shutil.copy(master, folder / "master.cf")
        examples.apply(
            folder,
            "compatibility_level = 3.6\nalias_maps =\nalias_database =\n"
            f"queue_directory = {tmp_path}/spool\ndata_directory = {tmp_path}/lib\n"
            f"maillog_file = {folder}/{examples.LOG}\nmaillog_file_prefixes = {tmp_path}\n",
            *applied, **more,
        )
        if os.geteuid() == 0:
            os.chown(tmp_path / "lib", pwd.getpwnam("postfix").pw_uid, -1)
        return folder

    return make


@pytest.fixture(scope="session")
def version() -> tuple[int, ...]:
    return tuple(int(part) for part in postfix("postconf", "-h", "mail_version").stdout.split(".")[:2])


def check_by_postconf(folder: pathlib.Path, expected: dict[str, str]) -> None:
    assert postconf_faults(postfix, folder, expected) == []


def known(names: dict[str, str], version: tuple[int, ...]) -> dict[str, str]:
    return {name: names[name] for name in names.keys() - unknown(names, version)}


@each_example
def test_example_by_postfix(postfix_folder, version, example):
    """By postconf and "postfix check"; see tests/system for other versions of Postfix."""
    main = main_cf(example)
    expected = known(main, version)
    folder = postfix_folder(expected, services_of(example), files_of(example))
    check_by_postconf(folder, expected)
    if os.geteuid() != 0:
        pytest.skip("EXAMPLE NOT SEEN BY postfix check: only root may run it")
    assert check_faults(postfix, folder) == []
    if left := main.keys() - expected.keys():
        number = ".".join(map(str, version))
        pytest.skip(f"NOT CHECKED BY POSTFIX {number}, too old: {', '.join(sorted(left))}")


MISTAKES = {
    "main.cf": ({"smtp_tls_policy_map": "x"}, "", "unused parameter: smtp_tls_policy_map=x"),
    "master.cf": ({}, "smtp unix - - y - - smtp\n -o smtp_tls_chainfiles=x\n",
                  "unused parameter: smtp_tls_chainfiles=x"),
    "fields": ({}, "smtp unix - - y smtp\n", "fatal"),
}


@pytest.mark.parametrize("main, master, fault", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_found(postfix_folder, main, master, fault):
    folder = postfix_folder(main, master)
    assert any(fault in line for line in postconf_faults(postfix, folder, {}))
    if os.geteuid() == 0:
        assert any(fault in line for line in check_faults(postfix, folder))


def test_what_postfix_check_logs_is_found(postfix_folder):
    if os.geteuid() != 0:
        pytest.skip("only root may run postfix check")
    folder = postfix_folder({})
    os.chown(folder / "master.cf", pwd.getpwnam("postfix").pw_uid, -1)
    assert any("not owned by root" in line for line in check_faults(postfix, folder))


@each_example
def test_postseal_toml(example):
    result = run("postseal", "check-config", "--json", "--config", example / "postseal.toml")
    # What this machine lacks (a folder, a group) is not a fault of the example.
    assert not [error for error in json.loads(result.stdout)["errors"] if error["of"] == "file"]


@each_example
def test_both_sides_fit(example):
    """The address, the maps and the level that main.cf names are those of postseal.toml."""
    main = main_cf(example)
    ours = tomllib.loads((example / "postseal.toml").read_text(encoding="utf-8"))
    listeners = {listen["address"]: listen for listen in ours["listen"]}
    offered = MAPS | {map_["name"] for map_ in ours.get("map", [])}
    asked = {name: re.findall(r"socketmap:((?:inet|unix):\S+):(\w+)", value)
             for name, value in main.items()}
    assert len(asked["smtp_tls_policy_maps"]) == 1
    for address, name in itertools.chain(*asked.values()):
        address = re.sub(r"^unix:(?!/)", "unix:/var/spool/postfix/", address)
        assert listeners[address].get("protocol", "socketmap") == "socketmap"
        assert name in (listeners[address].get("maps") or offered)
    assert ours["verdict"]["default_level"] == main["smtp_tls_security_level"]
    assert any(listen.get("protocol") == "admin" for listen in ours["listen"])


@each_example
def test_delegation_sides_fit(example):
    """What smtpd(8) asks is listened on, and nothing else; the restriction is used."""
    main = main_cf(example)
    services = services_of(example)
    ours = tomllib.loads((example / "postseal.toml").read_text(encoding="utf-8"))
    offered = [listen["address"] for listen in ours["listen"]
               if listen.get("protocol") == "delegation"]
    asked = re.findall(r"check_policy_service \{? ?((?:inet|unix):[^\s,}]+)", "\n".join(main.values()))
    assert asked == offered
    for name in main.get("smtpd_restriction_classes", "").split():
        assert name in main and re.search(rf"_restrictions=.*\b{name}\b", services)


def test_services_of_master_cf(postfix_folder):
    """Postfix reads them as they are meant."""
    example = PROJECT / "postfix-examples/submission-sealed-only"
    folder = postfix_folder(main_cf(example), services_of(example))
    result = postfix("postconf", "-c", folder, "-P", "submission/inet/smtpd_recipient_restrictions")
    assert (result.stdout.split(" = ")[1], result.stderr) == ("sealed_only\n", "")


def test_every_folder_is_an_example():
    folders = {path for path in (PROJECT / "postfix-examples").iterdir() if path.is_dir()}
    assert folders == set(EXAMPLES)
    listed = (PROJECT / "postfix-examples/README").read_text(encoding="utf-8")
    for folder in folders:
        assert (folder / "README").exists() and (folder / "postseal.toml").exists()
        assert f"    {folder.name} " in listed


def test_policy_file(postfix_folder, tmp_path):
    """Postfix finds what is in the file, and would take each policy."""
    file = PROJECT / "postfix-examples/policy-file-before-us/tls_policy"
    folder = postfix_folder({}, files=[file])
    table = f"texthash:{folder}/tls_policy"
    for key, policy in {"old-machine.example": "may", "[relay.example.net]:587": "encrypt"}.items():
        assert postfix("postmap", "-c", folder, "-q", key, table).stdout == policy + "\n"
    assert check_overrides(file, tmp_path) == 3


def test_partners(postfix_folder, tmp_path):
    """Each goes by the service "partner", by a policy that authenticates the host it goes to."""
    example = PROJECT / "postfix-examples/partners-mutual-tls"
    assert ("partner", "unix") in examples.services(services_of(example))
    folder = postfix_folder({}, files=files_of(example))
    transports = table(folder / "transport")
    overrides = table(example / "overrides")
    nexthops = set()
    for domain, transport in transports.items():
        asked = postfix("postmap", "-c", folder, "-q", domain, f"texthash:{folder}/transport")
        assert asked.stdout == f"{transport}\n"
        service, _, nexthop = transport.partition(":")
        assert service == "partner"
        nexthops.add(nexthop or domain)
    assert nexthops == overrides.keys()
    assert {policy.split()[0] for policy in overrides.values()} <= AUTHENTICATES
    assert check_overrides(example / "overrides", tmp_path) == len(overrides)


def table(file: pathlib.Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(line.split(maxsplit=1) for line in lines if not line.startswith("#"))


def check_overrides(file: pathlib.Path, folder: pathlib.Path) -> int:
    """How many postseal reads."""
    configuration = folder / "postseal.toml"
    configuration.write_text(f'[verdict]\noverrides = "{file}"\n', encoding="utf-8")
    result = run("postseal", "check-config", "--config", configuration)
    assert result.returncode == 0, result.stderr
    return int(re.search(r"(\d+) overrides", result.stdout)[1])


def blocks_for_main_cf() -> dict[str, str]:
    found = {}
    for page in mdoc.PAGES:
        for number, block in enumerate(mdoc.literal_blocks(mdoc.source(page.name))):
            if block.startswith(("smtp_", "smtpd_")):
                found[f"{page.name} {number}"] = block
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    found["README"] = textwrap.dedent(
        re.search(r"^main\.cf\n-+\n\n((?:    .*\n|\n)+)", readme, flags=re.MULTILINE).group(1)
    )
    return found


@pytest.mark.parametrize("block", blocks_for_main_cf().values(), ids=blocks_for_main_cf())
def test_main_cf_in_the_documents(postfix_folder, version, block):
    expected = known(settings(block), version)
    check_by_postconf(postfix_folder(expected), expected)


def test_readme_alternatives(postfix_folder):
    """The lines for main.cf that are commented out are right, too."""
    lines = re.findall(r"^#(smtp_.+)\n", blocks_for_main_cf()["README"], flags=re.MULTILINE)
    assert len(lines) == 2
    check_by_postconf(postfix_folder(settings(lines[0])), settings(lines[0]))
    assert settings(lines[1])["smtp_tls_policy_maps"] == "socketmap:unix:postseal/socketmap.sock:postfix"
