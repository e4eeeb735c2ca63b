# Row 5: DANE is remembered and cannot be checked; the policy must not stand in for it.
at 0s  as in both.world
       ask example.com: dane-only
at 1h  DNS is blocked
at 2h  ask example.com within 10s: deferred (row 5)
at 1d  DNS works again
at 1d6m  ask example.com: dane-only
       downgrades 0
