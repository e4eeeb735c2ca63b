# Too short for the daily fetch: whoever asks renews it.
only without restarts
at 0s  as in sts.world
       the policy host of example.org serves enforce mx.example.org for 1h
       ask example.org: secure mx.example.org
at 59m  known example.org: secure mx.example.org
at 1h1m  known example.org: secure mx.example.org
at 10h  known example.org: secure mx.example.org
at 2d  known example.org: secure mx.example.org
       downgrades 0
