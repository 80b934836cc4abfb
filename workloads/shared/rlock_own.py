"""rlock with a lock of the thread's own: what it costs when nobody else wants it.

Unit: rounds of 100 acquisitions, each with another inside. Source: the twin of rlock; rlock divided by this
is the contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 100},
    "checksum": "100",
}

prepare, local, operation = own_objects("rlock")
