# A wrong clock ends no promise: what was left of its life is left, and the daily fetch finds the new time.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 10m  the wall clock jumps 365d
       ask example.org: secure mx.example.org
at 1h  the policy host of example.org fails: connect refused
at 2d  ask example.org: secure mx.example.org
       downgrades 0
at 9d  ask example.org: secure mx.example.org
at 11d  ask example.org: no policy
       downgrades 1
