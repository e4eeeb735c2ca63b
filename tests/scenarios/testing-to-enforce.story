# What grows stronger is followed as fast, and is not a downgrade.
at 0s  as in sts.world
       the policy host of example.org serves testing mx.example.org for 10d
       ask example.org: no policy
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       the policy host of example.org serves enforce mx.example.org for 10d
at 2h  known example.org: secure mx.example.org
       ask example.org: secure mx.example.org
       downgrades 0
