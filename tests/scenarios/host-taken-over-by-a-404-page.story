at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the policy host of example.org fails: status 404 Not Found
at 1d2h  ask example.org: secure mx.example.org
at 2d  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
at 2d1h  ask example.org: secure mx.example.org
at 9d23h  ask example.org: secure mx.example.org
       downgrades 0
at 10d1h  ask example.org: no policy
       downgrades 1
