at 0s    as in sts.world
         ask example.org: secure mx.example.org
at 1h    the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
         the policy host of example.org serves the text <html>It works!</html>
at 2h    ask example.org: secure mx.example.org
at 9d    ask example.org: secure mx.example.org
at 11d   ask example.org: no policy
         the last downgrade is example.org: enforce -> expired
