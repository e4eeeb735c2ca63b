# A policy that is new counts at once, though the addresses could not be looked up the same time.
at 0s  as in sts.world
       the zone says _mta-sts.example.org TXT insecure 1800 nodata
       ask example.org: no policy
at 20m  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=one;"
       the zone says mx.example.org A bogus signature expired
       the zone says mx.example.org AAAA bogus signature expired
at 26m  known example.org: secure mx.example.org
