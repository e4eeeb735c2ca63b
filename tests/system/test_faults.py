# test_faults.py: each fault of faults/catalogue.py: no answer too weak, well again by itself, and
# nothing lost that was saved
#
# What is measured by the same: contrib/reliability.
# SPDX-License-Identifier: BSD-3-Clause
import pytest

from faults.catalogue import FAULTS
from faults.stage import Stage, run
from world import Unavailable


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(world, new_daemon, fault):
    daemon = new_daemon()
    try:
        outcome = run(fault, Stage(world, daemon, daemon.folder))
    except Unavailable as why:
        pytest.skip(f"FAULT NOT TRIED: {fault.what}: {why}")
    print(f"\n{fault.name}: {outcome.effect()}; well again after {outcome.recovery:.2f} s")
