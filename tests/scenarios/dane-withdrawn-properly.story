# Signed proof that there is no TLSA record any more is believed, and told once.
at 0s  as in dane.world
       ask example.com: dane-only
at 1h  the zone says _25._tcp.mx.example.com TLSA secure 1800 nodata
at 2h  ask example.com: no policy (row 11)
       downgrades 1
       the last downgrade is example.com: DANE -> no DANE
at 3h  restart
       ask example.com: no policy
at 8h  ask example.com: no policy
       downgrades 1
