# Both hosts had TLSA records; one cannot be looked up now.
at 0s  as in dane.world
       as in two-hosts.world
       ask example.com: dane-only (row 6)
at 1h  the zone says mx.example.net A failed SERVFAIL
at 2h  ask example.com: dane (row 7)
at 3h  as in two-hosts.world
at 3h6m  ask example.com: dane-only (row 6)
       downgrades 0
