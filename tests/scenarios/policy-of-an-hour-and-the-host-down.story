at 0s  as in sts.world
       the policy host of example.org serves enforce mx.example.org for 1h
       ask example.org: secure mx.example.org
       the policy host of example.org fails: connect refused
at 59m  ask example.org: secure mx.example.org
at 1h1m  ask example.org: no policy
at 1h30m  ask example.org: no policy
       downgrades 1
