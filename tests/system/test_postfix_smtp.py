# test_postfix_smtp.py: replies to verdicts made of chance, each obeyed by Postfix's smtp(8)
#
# A message to a domain of its own for each; all domains have DANE and their mail at one host, whose
# name and certificate no policy made of chance matches. 1,500 replies for each release, and with
# POSTSEAL_FULL set all that test_postfix_parser.py has.
# SPDX-License-Identifier: BSD-3-Clause
import collections
import os
import time

from postfix import policy_map
from replies import MAP_PORT, Replies, make_replies, netstring_text
from resources import patience

COUNT = 10_000 if os.environ.get("POSTSEAL_FULL") else 1_500
SEED = 2
A_MESSAGE = 100  # recipients
# The default may is not a promise; a reply that is not there is that, too.
LEVELS = {"NOTFOUND ": "may", "OK may": "may", "OK dane": "dane", "OK dane-only": "dane-only"}
OBEYED = {
    "may": {("sent", "Trusted"), ("sent", "Untrusted"), ("sent", "Anonymous")},
    "dane": {("sent", "Verified")},
    "dane-only": {("sent", "Verified")},
    "secure": {("deferred", "Untrusted"), ("deferred", "Trusted"), ("deferred", "none")},
}
# Why it is deferred: the certificate is another's, or the host is none that the policy names.
# From 3.10 on smtp(8) looks at the name first, and warns.
NAME_DIFFERS = "does not match STS MX pattern"
NOT_BY_POLICY = ("Server certificate not verified", NAME_DIFFERS)


def level_of(text: str) -> str:
    return LEVELS.get(text) or ("secure" if text.startswith("OK secure ") else "?")


def test_smtp_obeys_them(release, world, new_postfix):
    form = "tlsrpt" if policy_map(release) == "tlsrpt" else "legacy"
    replies = make_replies(form, COUNT, SEED)
    levels = {f"{release.name}@n{n}.to-any.example": level_of(text)
              for n, text in enumerate(map(netstring_text, replies))
              if not text.startswith("TEMP ")}
    found = collections.Counter(levels.values())
    assert found.keys() <= OBEYED.keys() and {"may", "dane", "secure"} <= found.keys(), found
    recipients = list(levels)
    begun = time.monotonic()
    with Replies(replies), new_postfix(release, {
        "smtp_tls_security_level": "may",
        "smtp_tls_policy_maps": f"socketmap:inet:127.0.0.1:{MAP_PORT}:replies",
        "smtp_connection_cache_on_demand": "no",
    }) as postfix:
        for begin in range(0, len(recipients), A_MESSAGE):
            postfix.send_one(recipients[begin:begin + A_MESSAGE])
        outcomes = postfix.outcomes(recipients, patience(60 + COUNT / 20))
        log = postfix.log_text()
    took = time.monotonic() - begun
    missing = [to for to in recipients if to not in outcomes]
    assert missing == [], log[-3000:]
    wrong = {to: outcomes[to] for to, level in levels.items()
             if (outcomes[to].status, outcomes[to].tls) not in OBEYED[level]
             or level == "secure" and not any(w in outcomes[to].text for w in NOT_BY_POLICY)}
    assert wrong == {}, (len(wrong), dict(list(wrong.items())[:3]))
    complaints = [line for line in log.splitlines()
                  if any(word in line for word in ("warning:", "error:", "fatal:", "panic:"))
                  and NAME_DIFFERS not in line]
    assert complaints == []
    print(f"\n{release.name}: {len(recipients)} replies obeyed in {took:.1f} s: "
          f"{dict(found)}")
