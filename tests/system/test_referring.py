# test_referring.py: a parent that answers a question for DS by a referral (unbound's issue 1497)
#
# While libunbound has the proof of the referral that led to the child all is well. Once that has
# expired and the delegation has not, it asks for the DS, follows the referral to the child, which
# proves nothing, and calls the child's names bogus.
# SPDX-License-Identifier: BSD-3-Clause
import time

import pytest

from hostile.referring import BELOW, CHILD, PARENT, ReferringServers

PROOF_LIVES = 1  # seconds


@pytest.fixture
def servers(world):
    with ReferringServers() as servers_:
        yield servers_


def test_unsigned_child(servers, new_daemon):
    daemon = new_daemon()
    daemon.start()
    assert daemon.ask(PARENT) == "OK dane-only"
    assert daemon.ask(CHILD) == "NOTFOUND "
    time.sleep(PROOF_LIVES + 2)
    assert daemon.ask(BELOW) == "NOTFOUND "
    assert servers.referred > 0, "libunbound did not ask for the DS"
