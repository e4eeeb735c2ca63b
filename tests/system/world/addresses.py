# addresses.py: who lives where in the namespace
# SPDX-License-Identifier: BSD-3-Clause

ROOT_SERVER = "127.53.0.1"
TLD_SERVER = "127.53.0.2"
ZONE_SERVER = "127.53.0.3"
NAME_SERVERS = (ROOT_SERVER, TLD_SERVER, ZONE_SERVER)
FAILING_SERVER = "127.53.0.7"  # SERVFAIL to everything
SILENT_SERVER = "127.53.0.8"  # takes queries, never answers
DEAD_SERVER = "127.53.0.9"  # nothing listens
REFERRED_SERVER = "127.53.0.4"  # tests/system/hostile/referring.py: the child's
REFERRING_SERVER = "127.53.0.5"  # and the parent's
HOSTILE_SERVER = "127.53.0.6"  # tests/system/hostile
VICTIM_SERVER = "127.53.0.10"  # tests/system/hostile/delegating.py: counts, never answers

POLICY_HOST = "127.44.0.1"
POLICY_HOST_V6 = "fd00::443"
OLD_TLS_HOST = "127.44.0.7"  # TLS 1.1 at most
SILENT_HOST = "127.44.0.8"  # accepts, never says a word
REFUSING_HOST = "127.44.0.9"  # nothing listens
NOWHERE_V6 = "fd00::dead"  # not ours: unreachable

MX_HOST = "127.25.0.1"  # nobody connects to it
MX_HOST_V6 = "fd00::25"
MAIL_HOSTS = "127.25.1.0/24"  # a mail host each, on ports 25 and 587
MAIL_HOST_V6 = "fd00::26"
DEAD_MAIL_HOST = "127.25.0.9"  # nothing listens

SHARED_STORE = "127.54.0.1"  # shared_server.py
SHARED_STORE_TLS = "127.54.0.2"
FIRST_SERVER = "127.54.0.3"  # of a test that lets servers fail over
SECOND_SERVER = "127.54.0.4"

VALIDATING_RESOLVER = "127.0.0.1"  # Postfix's own


def other_way_to(name_server: str) -> str:
    """Its second address, which nobody is told of: for who sits between (hostile/spoofer.py)."""
    return name_server.replace("127.53.", "127.63.")
