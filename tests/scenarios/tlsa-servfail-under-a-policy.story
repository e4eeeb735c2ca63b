# RFC 8461 section 2: MTA-STS must not override a failing DANE validation.
at 0s  as in both.world
       ask example.com: dane-only
at 1h  the zone says _25._tcp.mx.example.com TLSA failed SERVFAIL
at 2h  ask example.com: deferred (row 8)
at 3h  as in both.world
at 3h6m  ask example.com: dane-only
       downgrades 0
