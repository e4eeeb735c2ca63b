# The same id, another policy: the daily fetch finds it.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the policy host of example.org serves none for 1d
at 20h  ask example.org: secure mx.example.org
at 1d1h  ask example.org: no policy
       the last downgrade is example.org: enforce -> none
       downgrades 1
