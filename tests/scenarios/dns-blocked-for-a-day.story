# Known evidence serves to its end; then DANE is remembered, and no forged answer is needed less.
at 0s  as in dane.world
       ask example.com: dane-only
at 1h  DNS is blocked
at 1h1m  known example.com: dane-only
at 2h  ask example.com within 10s: dane (row 5)
at 12h  ask example.com within 10s: dane
at 1d  DNS works again
at 1d6m  ask example.com: dane-only
       downgrades 0
