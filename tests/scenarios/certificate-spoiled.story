# Who can redirect HTTPS without a certificate gets nowhere.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       the policy host of example.org fails: cert-untrusted self-signed
at 2h  ask example.org: secure mx.example.org
at 3d  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=one;"
       the policy host of example.org serves enforce mx.example.org for 10d
at 3d2h  ask example.org: secure mx.example.org
at 11d  ask example.org: secure mx.example.org
       downgrades 0
