# RFC 8461 section 8.3: first mode none under a new id, then the record goes. One downgrade, not two.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       the policy host of example.org serves none for 1d
at 3h  ask example.org: no policy
at 20h  the zone says _mta-sts.example.org TXT insecure 1800 nodata
       the policy host of example.org fails: dns no address
at 21h  ask example.org: no policy
at 5d  ask example.org: no policy
       downgrades 1
       the last downgrade is example.org: enforce -> none
