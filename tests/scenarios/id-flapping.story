# Two servers of the zone that disagree: each change costs a fetch, no more.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       ask example.org: secure mx.example.org
at 2h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=one;"
       ask example.org: secure mx.example.org
at 3h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       ask example.org: secure mx.example.org
at 4h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=one;"
       ask example.org: secure mx.example.org
at 5h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       ask example.org: secure mx.example.org
at 6h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=one;"
       ask example.org: secure mx.example.org
at 7h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       ask example.org: secure mx.example.org
at 8h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=one;"
       ask example.org: secure mx.example.org
at 9h  ask example.org: secure mx.example.org
       fetches 8 to 9
       downgrades 0
