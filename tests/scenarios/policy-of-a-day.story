# Renewed at 80 % of its life: it never runs out.
at 0s  as in sts.world
       the policy host of example.org serves enforce mx.example.org for 1d
       ask example.org: secure mx.example.org
at 23h59m  ask example.org: secure mx.example.org
at 1d1m  ask example.org: secure mx.example.org
at 3d  ask example.org: secure mx.example.org
at 9d  ask example.org: secure mx.example.org
       downgrades 0
       fetches 11 to 13
