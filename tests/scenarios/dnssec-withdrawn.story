# The parent zone proves that the domain is not signed any more.
at 0s  as in dane.world
       ask example.com: dane-only
at 1h  the zone says zone example.com insecure 1800
       the zone says example.com MX insecure 1800 10 mx.example.com
       the zone says mx.example.com A insecure 1800 192.0.2.1
at 2h  ask example.com: no policy (row 13)
       downgrades 1
