# test_postfix_examples.py: newer versions of Postfix take postfix-examples/, and mail to partners and
# mail that requires TLS goes as the examples say
#
# The system's own version reads them in tests/docs.
# SPDX-License-Identifier: BSD-3-Clause
import re
import shutil
import tomllib

import pytest

import examples
import postfix
from daemon import Daemon
from examples import EXAMPLES, FOLDER
from postfix_release import NEWEST, SUITES
from world.processes import run

BASE = """\
compatibility_level = 3.6
queue_directory = /mnt/queue
data_directory = /mnt/data
maillog_file = /mnt/etc/log
maillog_file_prefixes = /mnt
alias_maps =
alias_database =
"""
# What tests/docs may have to leave out.
FOR_NEWER_ONES = [path for path in EXAMPLES if examples.SINCE.keys() & examples.main_cf(path).keys()]
newer_releases = pytest.mark.parametrize("release", SUITES, indirect=True, scope="session")
# What the tree lacks for having been unpacked without maintainer scripts.
UNPACKED = re.compile(r" not (owned by group postdrop|set-gid .*): /usr/sbin/post(queue|drop)$")
PORT = 8450
PATIENCE = 40  # seconds

PARTNERS = FOLDER / "partners-mutual-tls"
# What the example calls them, and what they are here.
NAMES = {"partner.example": "partner.mail.example", "bank.example": "bank.mail.example"}
BROKEN = "partner-expired.mail.example"
CERTIFICATE = "client.mail.example"
REQUIRETLS = FOLDER / "requiretls"


@pytest.fixture
def applied(release, tmp_path):
    """Applies an example without what this version does not know: the expected main.cf, and how to
    run a command in its tree."""
    def in_tree(*command):
        return run(postfix.in_tree(release, tmp_path, "/etc/resolv.conf", *command))

    def apply(example):
        etc, queue, data = folders = [tmp_path / name for name in ("etc", "queue", "data")]
        for folder in folders:
            folder.mkdir()
        shutil.chown(data, postfix.uid(release))
        shutil.copy(release.root / "usr/share/postfix/master.cf.dist", etc / "master.cf")
        main = examples.main_cf(example)
        for name in examples.unknown(main, release.version):
            del main[name]
        services, files = examples.services_of(example), examples.files_of(example)
        examples.apply(etc, BASE, main, services, files)
        return main, in_tree

    return apply


@newer_releases
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_by_postconf(release, applied, example):
    main, in_tree = applied(example)
    assert examples.postconf_faults(in_tree, "/mnt/etc", main) == []


@newer_releases
@pytest.mark.parametrize("example", FOR_NEWER_ONES, ids=lambda path: path.name)
def test_by_postfix_check(release, applied, example):
    _, in_tree = applied(example)
    faults = examples.check_faults(in_tree, "/mnt/etc")
    assert [fault for fault in faults if not UNPACKED.search(fault)] == []


def main_cf(example, port: int) -> dict[str, str]:
    """Its lines, for our addresses; no CA but that of the world."""
    lines = examples.main_cf(example)
    del lines["smtp_tls_CAfile"]
    return {name: value.replace(":8461:", f":{port}:") for name, value in lines.items()}


def renamed(text: str) -> str:
    for name, here in NAMES.items():
        text = text.replace(name, here)
    return text


@pytest.fixture(scope="module")
def partners(world, programs, tmp_path_factory):
    """postseald as in the example; another partner is there, too, whose certificate has expired."""
    folder = tmp_path_factory.mktemp("partners")
    text = (PARTNERS / "overrides").read_text(encoding="ascii")
    (folder / "overrides").write_text(
        renamed(text) + f"{BROKEN} secure match=mx.{BROKEN}\n", encoding="ascii"
    )
    verdict = tomllib.loads((PARTNERS / "postseal.toml").read_text(encoding="utf-8"))["verdict"]
    verdict["overrides"] = str(folder / "overrides")
    with Daemon(world, folder, PORT, verdict=verdict) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def to_partners(release, world, partners, new_postfix):
    """What became of a message to each, and to somebody else."""
    chain = world.certificates.chain("client", CERTIFICATE).read_text(encoding="ascii")
    transport = renamed((PARTNERS / "transport").read_text(encoding="ascii"))
    services = examples.services_of(PARTNERS)
    domains = [*NAMES.values(), BROKEN, "plain.mail.example"]
    recipients = [f"{release.name}@{domain}" for domain in domains]
    with new_postfix(
        release, main_cf(PARTNERS, partners.port),
        services=re.sub(r"^(partner +unix( +-){2} +)y", r"\1n", services, flags=re.MULTILINE),
        files={"transport": transport + f"{BROKEN} partner:\n", "partner-client.pem": chain},
    ) as postfix_:
        postfix_.send(recipients)
        found = postfix_.outcomes(recipients, PATIENCE)
        log = postfix_.log_text()
    assert set(recipients) <= found.keys(), log
    return found, log


@pytest.mark.parametrize("domain, host", [
    ("partner.mail.example", "mx.partner.mail.example"),
    ("bank.mail.example", "relay.bank.mail.example"),
])
def test_partner_sees_our_certificate(release, world, to_partners, domain, host):
    to = f"{release.name}@{domain}"
    outcome = to_partners[0][to]
    assert (outcome.status, outcome.host, outcome.tls) == ("sent", host, "Verified"), outcome
    assert world.mail_sink.received[to].client == CERTIFICATE
    assert "postfix/partner/smtp[" in to_partners[1]


def test_partner_with_a_wrong_certificate_gets_nothing(release, world, to_partners):
    to = f"{release.name}@{BROKEN}"
    outcome = to_partners[0][to]
    assert outcome.status == "deferred" and "certificate has expired" in outcome.text, outcome
    assert to not in world.mail_sink.received


def test_nobody_else_sees_our_certificate(release, world, to_partners):
    to = f"{release.name}@plain.mail.example"
    assert to_partners[0][to].status == "sent"
    assert world.mail_sink.received[to].client is None


# What the status line of a delivery says.
OURS = "plain-no-starttls.mail.example"
REQUIRED = {
    "dane.mail.example": ("dane-only/requiretls", "sent"),
    "enforce.mail.example": ("secure/requiretls", "sent"),
    "dane-no-requiretls.mail.example": ("dane-only/!requiretls:none", "bounced"),
    "enforce-expired.mail.example": ("!secure/!requiretls:nocertmatch", "bounced"),
    "plain.mail.example": ("may/requiretls:nocertmatch", "sent"),
    "plain-no-requiretls.mail.example": ("may/requiretls:none", "sent"),
    "testing-no-starttls.mail.example": ("may?/!requiretls:nostarttls", "bounced"),
    OURS: ("may:none/requiretls:none", "sent"),
    f"mx.{OURS}": ("may:none/requiretls:none", "sent"),
}


@pytest.mark.parametrize("release", [NEWEST], indirect=True, scope="session")
def test_mail_that_requires_tls(release, policies, new_postfix):
    assert release.version >= (3, 11)
    recipients = [f"example@{domain}" for domain in REQUIRED]
    settings = main_cf(REQUIRETLS, policies.port) | {"mydomain": OURS}
    with new_postfix(release, settings) as postfix_:
        postfix_.send(recipients, "Require-TLS-ESMTP: yes\n")
        postfix_.outcomes(recipients, PATIENCE)
        log = postfix_.log_text()
    lines = re.findall(r"to=<example@([^>]+)>.* tls=([^,]+), .*status=(\w+)", log)
    assert {domain: (tls, status) for domain, tls, status in lines} == REQUIRED
