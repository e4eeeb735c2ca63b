at 0s  as in dane.world
       as in two-hosts.world
       the zone says _25._tcp.mx.example.net TLSA secure 1800 nodata
       ask example.com: dane (row 10)
at 1h  as in two-hosts.world
at 2h  ask example.com: dane-only (row 6)
