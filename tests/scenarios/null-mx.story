at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says example.org MX insecure 1800 0 .
at 2h  ask example.org: secure mx.example.org (row 2)
       downgrades 0
