at 0s  the zone says zone example.org insecure 1800
       the zone says example.org MX insecure 1800 10 mx.example.org
       the zone says mx.example.org A insecure 1800 192.0.2.2
       ask example.org: no policy (row 13)
at 1d  as in sts.world
at 1d1h  known example.org: secure mx.example.org
       ask example.org: secure mx.example.org (row 13)
       downgrades 0
