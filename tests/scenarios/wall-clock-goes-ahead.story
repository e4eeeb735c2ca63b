# Twelve hours ahead: nothing ends, and the daily fetch comes a day after the last one all the same.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 10m  the wall clock jumps 12h
at 20m  ask example.org: secure mx.example.org
at 12h  ask example.org: secure mx.example.org
       fetches 1
at 9d  ask example.org: secure mx.example.org
       downgrades 0
