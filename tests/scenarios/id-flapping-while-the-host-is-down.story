# A failed fetch is tried at once for another id, and shortens nothing.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
       the policy host of example.org fails: timeout no answer
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       ask example.org: secure mx.example.org
at 2h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=three;"
       ask example.org: secure mx.example.org
at 3h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       ask example.org: secure mx.example.org
at 4h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=three;"
       ask example.org: secure mx.example.org
at 5h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       ask example.org: secure mx.example.org
at 6h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=three;"
       ask example.org: secure mx.example.org
at 7h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       ask example.org: secure mx.example.org
at 8h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=three;"
       ask example.org: secure mx.example.org
at 9d  ask example.org: secure mx.example.org
       downgrades 0
