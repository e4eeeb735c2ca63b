at 0s  as in dane.world
       the zone says _25._tcp.mx.example.com TLSA secure 1800 nodata
       ask example.com: no policy
at 1h  as in dane.world
at 2h  known example.com: dane-only
       ask example.com: dane-only
       downgrades 0
