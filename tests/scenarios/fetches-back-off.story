# 5 min, 10, 20, 40, then every hour.
at 0s  as in sts.world
       the policy host of example.org fails: cert-expired since yesterday
       ask example.org: no policy
       fetches 1
at 4m50s  ask example.org: no policy
       fetches 1
at 5m30s  ask example.org: no policy
       fetches 2
at 15m  ask example.org: no policy
       fetches 2
at 16m  ask example.org: no policy
       fetches 3
at 35m  ask example.org: no policy
       fetches 3
at 37m  ask example.org: no policy
       fetches 4
at 1h18m  ask example.org: no policy
       fetches 5
at 2h19m  ask example.org: no policy
       fetches 6
at 3h20m  ask example.org: no policy
       fetches 7
