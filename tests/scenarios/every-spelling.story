at 0s  as in sts.world
       ask EXAMPLE.org.: secure mx.example.org
       known example.org: secure mx.example.org
       ask example.org:587: secure mx.example.org
       fetches 1
