# Set wrong, then right: a policy lives no day longer and no day shorter by it.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
       the policy host of example.org fails: connect refused
at 1h  the wall clock jumps 3650d
       ask example.org: secure mx.example.org
at 2h  the wall clock jumps -3650d
       ask example.org: secure mx.example.org
at 9d  ask example.org: secure mx.example.org
at 11d  ask example.org: no policy
       downgrades 1
