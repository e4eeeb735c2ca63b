# A record that is gone ends no promise; while the host serves the policy, it is renewed daily.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 nodata
at 2h  ask example.org: secure mx.example.org
       downgrades 1
       the last downgrade is example.org: record -> absent
at 5d  ask example.org: secure mx.example.org
at 30d  ask example.org: secure mx.example.org
       downgrades 1
