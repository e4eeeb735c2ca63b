# An hour back: intervals do not care, and no promise ends.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 10m  the wall clock jumps -1h
       ask example.org: secure mx.example.org
at 1h  ask example.org: secure mx.example.org
at 9d  ask example.org: secure mx.example.org
       downgrades 0
