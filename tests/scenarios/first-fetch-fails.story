# Nothing was promised that we know: the mail goes, and the policy is tried for.
at 0s  as in sts.world
       the policy host of example.org fails: timeout no answer
       ask example.org: no policy
       the policy host of example.org serves enforce mx.example.org for 10d
at 4m  ask example.org: no policy
at 6m  ask example.org: secure mx.example.org
       fetches 2
