# Allowed, and worth nothing; it must not be fetched all the time.
at 0s  as in sts.world
       the policy host of example.org serves enforce mx.example.org for 0s
       ask example.org: no policy
at 2h  ask example.org: no policy
at 10h  ask example.org: no policy
       fetches 2 to 80
