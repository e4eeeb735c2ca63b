# A host whose TLSA lookup fails is not taken for one without TLSA.
at 0s  as in dane.world
       ask example.com: dane-only
at 1h  the zone says _25._tcp.mx.example.com TLSA failed SERVFAIL
at 1h2m  known example.com: dane-only
at 2h  ask example.com: dane (row 8)
       downgrades 0
at 3h  as in dane.world
at 3h6m  ask example.com: dane-only
