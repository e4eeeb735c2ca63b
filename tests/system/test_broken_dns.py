# test_broken_dns.py: "their DNSSEC is broken, and the mail must go": what README says does work
#
# Real Postfix with a real unbound, which is Postfix's resolver as README recommends it.
# SPDX-License-Identifier: BSD-3-Clause
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from daemon import Daemon
from postfix_release import SYSTEM
from world import validating_resolver

DOMAIN = "bogus-mx.mail.example"
RESOLVER = "127.53.0.78"
PATIENCE = 40  # seconds
SERVICES = "showq unix n - n - - showq\npickup unix n - n 60 1 pickup\n"

pytestmark = pytest.mark.parametrize("release", [SYSTEM], indirect=True, scope="session")


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="postseal-broken-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def daemon_(world, programs, folder):
    (folder / "overrides").touch()
    with Daemon(world, folder / "daemon", 8496, verdict={
            "default_level": "dane", "overrides": str(folder / "overrides")}) as started:
        yield started


def outcome(postfix, to: str):
    postfix.send([to])
    return postfix.outcomes([to], PATIENCE)[to]


def postqueue(postfix, *arguments: str) -> subprocess.CompletedProcess:
    command = postfix.in_tree("/usr/sbin/postqueue", "-c", "/mnt/etc", *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def readme() -> str:
    text = (pathlib.Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    begin = text.index("*Their DNSSEC is broken")
    return text[begin:text.index("\n\n*", begin)]


def test_the_recipe(world, new_postfix, release, daemon_, folder):
    switched_off = folder / "partner.conf"
    switched_off.touch()
    resolver = validating_resolver.ValidatingResolver(
        folder / "resolver", world.trust_anchor, world.root_hints, RESOLVER,
        f'include: "{switched_off}"')
    with resolver, new_postfix(release, {
        "smtp_tls_security_level": "dane",
        "smtp_tls_CAfile": str(world.ca_file),
        "smtp_tls_policy_maps": daemon_.socketmap("postfix"),
    }, SERVICES, resolv_conf=resolver.resolv_conf) as postfix:
        waiting = outcome(postfix, f"first@{DOMAIN}")
        assert waiting.status == "deferred"
        # It is not postseald's reason: smtp(8) does not come to ask it.
        words = (f"Host or domain name not found. Name service error for name={DOMAIN} type=MX: "
                 "Host not found, try again")
        assert words in " ".join(postqueue(postfix, "-p").stdout.split())
        recipe = readme()
        assert "Host not found, try again" in recipe

        # An override alone does not help.
        result = daemon_.tool("overrides", "set", "--until", "2099-12-31", DOMAIN, "encrypt")
        assert result.returncode == 0, result.stderr
        assert outcome(postfix, f"second@{DOMAIN}").status == "deferred"

        line = re.search(r"domain-insecure: \"partner\.example\"", recipe)[0]
        switched_off.write_text(
            "server:\n    " + line.replace("partner.example", DOMAIN) + "\n", encoding="ascii")
        os.kill(resolver.pid, signal.SIGHUP)
        end = time.monotonic() + PATIENCE
        number = 0
        while True:  # until it has read it again
            sent = outcome(postfix, f"third{number}@{DOMAIN}")
            if sent.status == "sent" or time.monotonic() > end:
                break
            number += 1
        assert (sent.status, sent.host) == ("sent", f"mx.{DOMAIN}"), sent
        assert sent.tls != "none", "encrypt, as the override says"

        # And without the override postseald, which validates itself, defers it still (row 3).
        assert daemon_.tool("overrides", "remove", DOMAIN).returncode == 0
        refused = outcome(postfix, f"fourth@{DOMAIN}")
        assert refused.status == "deferred"
        assert "client TLS configuration problem" in refused.text
        assert f"MX {DOMAIN} is bogus" in postfix.log_text()
        # To have it tried again "postqueue -s" will not do, but what explain names does.
        found = json.loads(daemon_.tool("explain", "--json", DOMAIN).stdout)
        assert found["next"].endswith("; postqueue -f"), found["next"]
        refused_site = postqueue(postfix, "-s", DOMAIN)
        assert "Flush service is not configured" in refused_site.stderr
        assert daemon_.tool("overrides", "set", DOMAIN, "encrypt").returncode == 0
        flushed = postqueue(postfix, "-f")
        assert flushed.returncode == 0, flushed.stderr
        end = time.monotonic() + PATIENCE
        while "status=sent" not in last(postfix, "fourth") and time.monotonic() < end:
            time.sleep(0.2)
        assert "status=sent" in last(postfix, "fourth")


def last(postfix, user: str) -> str:
    lines = [line for line in postfix.log_text().splitlines() if f"to=<{user}@" in line]
    return lines[-1] if lines else ""
