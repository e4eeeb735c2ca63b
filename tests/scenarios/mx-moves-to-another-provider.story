# The policy decides, not the MX set: mail to a host outside it is Postfix's to refuse.
at 0s  as in sts.world
       ask example.org: secure mx.example.org
at 1h  the zone says example.org MX insecure 1800 10 mx.evil.example
       the zone says mx.evil.example A insecure 1800 192.0.2.66
at 2h  ask example.org: secure mx.example.org
