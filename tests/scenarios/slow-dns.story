# A host that is answered late counts as F at the deadline; the lookup goes on.
only without restarts
at 0s  as in dane.world
       the zone says mx.example.com A secure 1800 192.0.2.1 / delay 20000
       ask example.com within 10s: dane (row 8)
at 21s  known example.com: dane-only
       ask example.com within 0s: dane-only
