at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       the policy host of example.org serves none for 1d
at 2h  ask example.org: no policy
       downgrades 1
       the last downgrade is example.org: enforce -> none
