# A domain that moves its MX announces it by a new id: followed within the hour, unasked.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says _mta-sts.example.org TXT insecure 1800 "v=STSv1; id=two;"
       the policy host of example.org serves enforce *.example.net for 10d
at 2h  known example.org: secure .example.net
       ask example.org: secure .example.net
       fetches 2
       downgrades 0
