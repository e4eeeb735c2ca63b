at 0s  as in dane.world
       DNS is blocked
       ask example.com within 10s: dane (row 5)
at 10m  DNS works again
at 16m  ask example.com: dane-only
       known example.com: dane-only
