# test_examples.py: what postfix-examples/, README and man pages tell Postfix is right, says Postfix
#
# Postfix reads them in a folder of its own; that of the machine is not touched.
# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import textwrap
import tomllib

import pytest

import mdoc
from mdoc import PROJECT
from programs import run

EXAMPLES = sorted(path.parent for path in (PROJECT / "postfix-examples").glob("*/main.cf"))
MAPS = {"postfix", "QUERY", "tlsrpt", "QUERYwithTLSRPT", "requiretls"}
# Parameters that an older Postfix does not know, and since when one does.
SINCE = {"smtp_requiretls_policy": (3, 11)} | dict.fromkeys(
    ("smtp_tlsrpt_enable", "smtp_tlsrpt_socket_name", "smtp_tlsrpt_skip_reused_handshakes"),
    (3, 10),
)
examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)


def postfix(*command) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def postfix_folder(tmp_path):
    """Makes a configuration folder for Postfix with these lines at the end of main.cf and master.cf."""
    if not shutil.which("postconf"):
        pytest.skip("POSTFIX EXAMPLES NOT CHECKED: install postfix")
    master = next((path for path in ("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
                   if os.path.exists(path)), None)
    if master is None:
        pytest.skip("POSTFIX EXAMPLES NOT CHECKED: there is no master.cf to copy")

    def make(lines: str, *files: pathlib.Path, services: str = "") -> pathlib.Path:
        folder = tmp_path / "etc"
        for name in ("etc", "spool", "lib"):
            (tmp_path / name).mkdir()
        text = pathlib.Path(master).read_text(encoding="utf-8")
        (folder / "master.cf").write_text(text + services, encoding="utf-8")
        (folder / "main.cf").write_text(
            "compatibility_level = 3.6\nalias_maps =\nalias_database =\n"
            f"queue_directory = {tmp_path}/spool\ndata_directory = {tmp_path}/lib\n" + lines,
            encoding="utf-8",
        )
        if os.geteuid() == 0:
            os.chown(tmp_path / "lib", pwd.getpwnam("postfix").pw_uid, -1)
        for file in files:
            shutil.copy(file, folder)
        return folder

    return make


def complaints(text: str) -> set[str]:
    """Warnings and errors, but for parameters that this Postfix is too old to know."""
    major, minor = postfix("postconf", "-h", "mail_version").stdout.split(".")[:2]
    unknown = {name for name, since in SINCE.items() if (int(major), int(minor)) < since}
    found = set()
    for line in text.splitlines():
        unused = re.search(r"unused parameter: (\w+)=", line)
        if unused and unused.group(1) in unknown:
            continue
        if re.search(r"warning|error|fatal", line):
            found.add(line)
    return found


def settings(text: str) -> dict[str, str]:
    """main.cf's names and values; lines that continue are joined."""
    joined = re.sub(r"\n[ \t]+", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return dict(re.split(r" *= *", line, maxsplit=1) for line in joined.splitlines() if "=" in line)


def check_by_postconf(folder: pathlib.Path, lines: str) -> None:
    result = postfix("postconf", "-c", folder, "-n")
    assert result.returncode == 0 and complaints(result.stderr) == set()
    understood = settings(result.stdout)
    for name, value in settings(lines).items():
        if name in understood or name not in SINCE:
            assert understood[name].split() == value.split()


def services_of(example: pathlib.Path) -> str:
    file = example / "master.cf"
    return file.read_text(encoding="utf-8") if file.exists() else ""


@examples
def test_main_cf_by_postconf(postfix_folder, example):
    lines = (example / "main.cf").read_text(encoding="utf-8")
    check_by_postconf(postfix_folder(lines), lines)


@examples
def test_main_cf_by_postfix_check(postfix_folder, example):
    if os.geteuid() != 0:
        pytest.skip("EXAMPLES NOT SEEN BY postfix check: only root may run it")
    folder = postfix_folder((example / "main.cf").read_text(encoding="utf-8"),
                            services=services_of(example))
    result = postfix("postfix", "-c", folder, "check")
    assert result.returncode == 0, result.stderr
    assert complaints(result.stderr + result.stdout) == set()


@examples
def test_postseal_toml(example):
    result = run("postseal", "check-config", "--config", example / "postseal.toml")
    assert result.returncode == 0, result.stderr


@examples
def test_both_sides_fit(example):
    """The address, the map and the level that main.cf names are those of postseal.toml."""
    main = settings((example / "main.cf").read_text(encoding="utf-8"))
    ours = tomllib.loads((example / "postseal.toml").read_text(encoding="utf-8"))
    listeners = {listen["address"]: listen for listen in ours["listen"]}
    asked = re.findall(r"socketmap:((?:inet|unix):\S+):(\w+)", main["smtp_tls_policy_maps"])
    assert len(asked) == 1
    for address, name in asked:
        address = re.sub(r"^unix:(?!/)", "unix:/var/spool/postfix/", address)
        assert listeners[address].get("protocol", "socketmap") == "socketmap"
        offered = listeners[address].get("maps") or MAPS | {m["name"] for m in ours.get("map", [])}
        assert name in offered
    assert ours["verdict"]["default_level"] == main["smtp_tls_security_level"]
    assert any(listen.get("protocol") == "admin" for listen in ours["listen"])


@examples
def test_delegation_sides_fit(example):
    """What smtpd(8) asks is listened on, and nothing else; the restriction is used."""
    main = settings((example / "main.cf").read_text(encoding="utf-8"))
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
    folder = postfix_folder((example / "main.cf").read_text(encoding="utf-8"),
                            services=services_of(example))
    result = postfix("postconf", "-c", folder, "-P", "submission/inet/smtpd_recipient_restrictions")
    assert result.stdout.split(" = ")[1] == "sealed_only\n" and complaints(result.stderr) == set()


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
    folder = postfix_folder("", file)
    table = f"texthash:{folder}/tls_policy"
    for key, policy in {"old-machine.example": "may", "[relay.example.net]:587": "encrypt"}.items():
        assert postfix("postmap", "-c", folder, "-q", key, table).stdout == policy + "\n"
    configuration = tmp_path / "postseal.toml"
    configuration.write_text(f'[verdict]\noverrides = "{file}"\n', encoding="utf-8")
    result = run("postseal", "check-config", "--config", configuration)
    assert result.returncode == 0, result.stderr
    assert "3 overrides" in result.stdout


def blocks_for_main_cf() -> dict[str, str]:
    found = {}
    for page in mdoc.PAGES:
        for number, block in enumerate(mdoc.literal_blocks(mdoc.source(page.name))):
            if block.startswith(("smtp_", "smtpd_")):
                found[f"{page.name} {number}"] = block
    readme = (PROJECT / "README").read_text(encoding="utf-8")
    found["README"] = textwrap.dedent(
        re.search(r"^main\.cf\n-+\n\n((?:    .*\n|\n)+)", readme, flags=re.MULTILINE).group(1)
    )
    return found


@pytest.mark.parametrize("block", blocks_for_main_cf().values(), ids=blocks_for_main_cf())
def test_main_cf_in_the_documents(postfix_folder, block):
    check_by_postconf(postfix_folder(block), block)


def test_readme_alternatives(postfix_folder):
    """The lines for main.cf that are commented out are right, too."""
    lines = re.findall(r"^#(smtp_.+)\n", blocks_for_main_cf()["README"], flags=re.MULTILINE)
    assert len(lines) == 2
    check_by_postconf(postfix_folder(lines[0] + "\n"), lines[0])
    assert settings(lines[1])["smtp_tls_policy_maps"] == "socketmap:unix:postseal/socketmap.sock:postfix"
