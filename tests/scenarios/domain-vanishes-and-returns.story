# An answer that says there is no host may be forged; it does not undo a policy in force.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says example.org MX insecure 1800 nxdomain
at 2h  ask example.org: secure mx.example.org (row 2)
at 1d  as in sts.world
at 1d1h  ask example.org: secure mx.example.org
       downgrades 0
