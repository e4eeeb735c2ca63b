at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 nodata
at 2h  ask example.org: secure mx.example.org
at 3h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=one;"
at 4h  ask example.org: secure mx.example.org
       downgrades 1
at 5h  the zone says _mta-sts.example.org TXT insecure 1800 nodata
at 6h  ask example.org: secure mx.example.org
       downgrades 2
       fetches 1
