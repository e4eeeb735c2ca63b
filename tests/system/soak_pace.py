# soak_pace.py: time goes on in a soak, and its domains change at a steady rate
# SPDX-License-Identifier: BSD-3-Clause
import time
from collections.abc import Callable

from soak_chance import Chance
from world.changing import Changing, ChangingWorld

STEP = 0.5  # seconds
CHANGES = 12  # in a step


class Pace:
    def __init__(self, world: ChangingWorld, chance: Chance, domains: list[Changing],
                 check: Callable[[], None]) -> None:
        """`check` raises what has gone wrong in another thread."""
        self._world = world
        self._chance = chance
        self._domains = domains
        self._check = check
        self.frozen = False  # nobody could see a change
        self.changes = 0

    def go_on(self, seconds: float) -> None:
        """What a batch of changes took is part of the step."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            self._check()
            if not self.frozen:
                self._change()
            time.sleep(max(0.0, min(now + STEP, end) - time.monotonic()))

    def withdraw(self, domains: list[Changing]) -> None:
        self._world.change([(d, *self._chance.withdrawn(d)) for d in domains])

    def _change(self) -> None:
        changing = self._chance.some(self._domains, CHANGES)
        self._world.change([(d, *self._chance.next_state(d)) for d in changing])
        self.changes += len(changing)
