# What the store remembers is enough.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the daemon stops
       DNS is blocked
       the policy host of example.org fails: dns no answer
at 2h  the daemon starts
       ask example.org within 10s: secure mx.example.org (row 4)
at 3d  ask example.org within 10s: secure mx.example.org
