at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 12h  the policy host of example.org fails: tls handshake failed
at 9d20h  the policy host of example.org serves enforce mx.example.org for 10d
at 11d  ask example.org: secure mx.example.org
at 19d  ask example.org: secure mx.example.org
       downgrades 0
