# Set back: a policy does not live a year longer.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 10m  the wall clock jumps -365d
       ask example.org: secure mx.example.org
at 1h  the policy host of example.org fails: connect refused
at 9d  ask example.org: secure mx.example.org
at 11d  ask example.org: no policy
