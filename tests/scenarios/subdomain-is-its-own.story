# RFC 8461 section 3.1: no policy is inherited.
at 0s  as in sts.world
       the zone says a.example.org MX insecure 1800 10 mx.example.org
       ask example.org: secure mx.example.org
       ask a.example.org: no policy
at 2d  ask a.example.org: no policy
       ask example.org: secure mx.example.org
