# No answer is not a statement: nothing is weaker, and nothing is told.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT failed SERVFAIL
at 2h  ask example.org: secure mx.example.org
at 30d  ask example.org: secure mx.example.org
       downgrades 0
       fetches 28 to 34
