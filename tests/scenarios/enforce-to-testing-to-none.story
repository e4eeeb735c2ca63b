at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1d  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       the policy host of example.org serves testing mx.example.org for 10d
at 1d1h  ask example.org: no policy
       downgrades 1
       the last downgrade is example.org: enforce -> testing
at 2d  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=three;"
       the policy host of example.org serves none for 1d
at 2d1h  ask example.org: no policy
       downgrades 1
