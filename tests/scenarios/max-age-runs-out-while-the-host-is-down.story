at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 12h  the policy host of example.org fails: connect refused
at 9d23h50m  ask example.org: secure mx.example.org
at 10d1m  ask example.org: no policy
       downgrades 0
at 10d11m  ask example.org: no policy
       downgrades 1
       the last downgrade is example.org: enforce -> expired
at 12d  the policy host of example.org serves enforce mx.example.org for 10d
at 12d2h  ask example.org: secure mx.example.org
