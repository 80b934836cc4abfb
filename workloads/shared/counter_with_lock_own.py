"""counter_with_lock with a counter and a lock of the thread's own: what it costs when nothing is shared.

Unit: rounds of 200 increments. Source: the twin of counter_with_lock; counter_with_lock divided by this is
the contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 200},
    "checksum": "200",
}

prepare, local, operation = own_objects("counter_with_lock")
