# Usage 1 is not for SMTP (RFC 7672 section 3.1.3): encrypted, not authenticated; DANE is not gone.
at 0s  as in dane.world
       ask example.com: dane-only
at 1h  the zone says _25._tcp.mx.example.com TLSA secure 1800 1 1 1 ab*32
at 2h  ask example.com: dane
       downgrades 0
at 3h  as in dane.world
at 4h  ask example.com: dane-only
