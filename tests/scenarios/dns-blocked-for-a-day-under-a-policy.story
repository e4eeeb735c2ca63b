# Row 4: securely no DANE is remembered, so the policy decides and no mail is deferred.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  DNS is blocked
at 2h  ask example.org within 10s: secure mx.example.org (row 4)
at 12h  ask example.org within 10s: secure mx.example.org
at 1d1h  ask example.org: secure mx.example.org
       DNS works again
at 1d2h  ask example.org: secure mx.example.org (row 13)
       downgrades 0
