at 0s  as in sts.world
       ask example.org: secure mx.example.org
       the daemon stops
       the policy host of example.org fails: connect refused
at 12d  the daemon starts
       ask example.org: no policy
at 12d1h  downgrades 1
       the last downgrade is example.org: enforce -> expired
       the policy host of example.org serves enforce mx.example.org for 10d
at 12d3h  ask example.org: secure mx.example.org
