at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 nodata
       the policy host of example.org fails: dns no address
at 2h  ask example.org: secure mx.example.org
at 9d23h  ask example.org: secure mx.example.org
       downgrades 1
at 10d1h  ask example.org: no policy
       downgrades 2
       the last downgrade is example.org: enforce -> expired
