# RFC 8461 section 3.3: the policy held stays in force until another can be fetched.
at 0s    as in sts.world
         ask example.org: secure mx.example.org
at 1h    the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
         the policy host of example.org fails: connect refused
at 2h    ask example.org: secure mx.example.org
at 5d    ask example.org: secure mx.example.org
         the policy host of example.org serves enforce mx2.example.org for 10d
at 5d2h  ask example.org: secure mx2.example.org
         downgrades 0
