# Prefetch ends 7 days after the last question; the next question is a fresh one.
at 0s  as in dane.world
       ask example.com: dane-only
at 6d23h  known example.com: dane-only
at 15d  unknown example.com
       ask example.com: dane-only
