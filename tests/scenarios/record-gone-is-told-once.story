# However often it is looked up and the daemon restarted.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 nodata
       ask example.org: secure mx.example.org
at 1d  ask example.org: secure mx.example.org
       restart
at 2d  ask example.org: secure mx.example.org
       restart
at 3d  ask example.org: secure mx.example.org
       restart
at 4d  ask example.org: secure mx.example.org
       restart
at 5d  ask example.org: secure mx.example.org
       restart
at 6d  ask example.org: secure mx.example.org
       restart
       downgrades 1
