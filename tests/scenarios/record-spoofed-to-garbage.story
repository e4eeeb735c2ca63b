at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=not an id;"
at 2h  ask example.org: secure mx.example.org
       the last downgrade is example.org: record -> invalid
at 9d  ask example.org: secure mx.example.org
       downgrades 1
