# The refreshes that were missed are made up for after the start.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
       the daemon stops
at 5d  the daemon starts
at 5d1m  fetches 2
       ask example.org: secure mx.example.org
at 14d  ask example.org: secure mx.example.org
       downgrades 0
