# What DANE was counts for 7 days; then nothing is remembered, and with a policy mail is deferred.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  DNS is blocked
at 6d23h  ask example.org: secure mx.example.org (row 4)
at 8d  ask example.org: deferred (row 5)
       DNS works again
at 8d6m  ask example.org: secure mx.example.org (row 13)
