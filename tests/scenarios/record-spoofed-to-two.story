# RFC 8461 section 3.1: several records are as good as none; so no forger ends a promise.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=one;" / "v=STSv1; id=two;"
at 2h  ask example.org: secure mx.example.org
at 9d  ask example.org: secure mx.example.org
