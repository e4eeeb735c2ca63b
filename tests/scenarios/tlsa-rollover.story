# RFC 7671 section 8.1: the new record beside the old, then the old one goes.
at 0s  as in dane.world
       ask example.com: dane-only (row 6)
at 1h  the zone says _25._tcp.mx.example.com TLSA secure 1800 3 1 1 ab*32 / 3 1 1 cd*32
at 2h  ask example.com: dane-only (row 6)
at 3h  the zone says _25._tcp.mx.example.com TLSA secure 1800 3 1 1 cd*32
at 4h  known example.com: dane-only
       ask example.com: dane-only (row 6)
       downgrades 0
