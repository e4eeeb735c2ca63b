# What stays is the other promise.
at 0s  as in both.world
       ask example.com: dane-only (row 6)
at 1h  the zone says _25._tcp.mx.example.com TLSA secure 1800 nodata
at 2h  ask example.com: secure mx.example.com (row 11)
       downgrades 1
       the last downgrade is example.com: DANE -> no DANE
