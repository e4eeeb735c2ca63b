# soak_chance.py: what the domains of a soak do next
# SPDX-License-Identifier: BSD-3-Clause
import random
from dataclasses import replace

from world.changing import Changing, Dns, Policy


class Chance:
    """What the domains do next. The last digit of a domain's number is its temper."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._versions = 0
        self._ids = 0

    def domains(self, count: int) -> list[Changing]:
        made = []
        for number in range(count):
            signed = number % 10 != 6
            domain = Changing(f"d{number:03}.example", signed, Dns(), Policy(0, status=404))
            domain.dns, domain.policy = self.next_state(domain)
            made.append(domain)
        return made

    def some(self, domains: list[Changing], count: int) -> list[Changing]:
        return self._random.sample(domains, count)

    def next_state(self, domain: Changing) -> tuple[Dns, Policy]:
        temper = int(domain.name[3])
        sts_id, policy = self._sts(domain, temper)
        hosts = self._random.choice((1, 2))
        return Dns(self._mx(temper), hosts, self._tlsa(temper), sts_id), policy

    def withdrawn(self, domain: Changing) -> tuple[Dns, Policy]:
        """A new record, whose policy cannot be obtained."""
        self._ids += 1
        return replace(domain.dns, sts_id=f"id{self._ids}"), Policy(0, status=503)

    def _mx(self, temper: int) -> str:
        if temper == 8 and self._random.random() < 0.2:
            return "null"
        if temper == 9 and self._random.random() < 0.2:
            return "bogus"
        return "plain"

    def _tlsa(self, temper: int) -> str:
        # 0, 1: DANE always; 2, 3, 7: never.
        letters = {0: "UUX", 1: "U", 2: "N", 3: "N", 7: "N", 9: "UNF"}.get(temper, "UXN")
        return "".join(self._random.choice(letters) for _ in range(2))

    def _sts(self, domain: Changing, temper: int) -> tuple[str | None, Policy]:
        die = self._random.random()
        if die < 0.2:  # the record goes, the policy host with it or not
            gone = Policy(0, status=self._random.choice((404, 503)))
            return None, self._random.choice((gone, domain.policy))
        if die < 0.3:  # the record stays and the policy host fails
            return domain.dns.sts_id, Policy(0, status=404)
        if die < 0.4 and domain.policy.status == 200:  # DNS only
            return domain.dns.sts_id, domain.policy
        policy = self._policy(temper)
        if die < 0.5:  # a new policy, and the record does not tell
            return domain.dns.sts_id, policy
        self._ids += 1
        return f"id{self._ids}", policy

    def _policy(self, temper: int) -> Policy:
        self._versions += 1
        short = temper == 7 or self._random.random() < 0.2
        max_age = self._random.choice((5, 9, 14, 20)) if short else 604800
        mode = self._random.choice(("enforce",) * 6 + ("testing", "none"))
        return Policy(self._versions, mode, max_age)
