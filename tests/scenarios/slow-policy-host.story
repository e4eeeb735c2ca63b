# The answer comes at the deadline; the fetch goes on, and what it finds is kept.
at 0s  as in sts.world
       policy hosts take 25s
       ask example.org within 10s: no policy
at 30s  known example.org: secure mx.example.org
       ask example.org within 0s: secure mx.example.org
       fetches 1
only without restarts
