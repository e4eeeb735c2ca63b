# A bogus zone defers mail, and only until it is mended.
at 0s  as in dane.world
       ask example.com: dane-only
at 1h  the zone says example.com MX bogus signature expired
at 1h1m  known example.com: dane-only
at 2h  ask example.com: deferred (row 3)
at 5h  as in dane.world
at 5h6m  ask example.com: dane-only
       downgrades 0
