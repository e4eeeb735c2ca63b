at 0s  as in dane.world
       the zone says _587._tcp.mx.example.com TLSA secure 1800 3 1 1 cd*32
       ask [mx.example.com]:587: dane-only
       ask [mx.example.com]: dane-only
at 1h  the zone says _587._tcp.mx.example.com TLSA secure 1800 nodata
at 2h  ask [mx.example.com]:587: no policy
       ask [mx.example.com]: dane-only
       the last downgrade is [mx.example.com]:587: DANE -> no DANE
