# Sections 3.3 and 10.2: nobody asks for a year, and the promise is still there.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 365d  ask example.org: secure mx.example.org
       fetches 370 to 400
       downgrades 0
