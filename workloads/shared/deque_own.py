"""deque with a deque of the thread's own: what it costs when nothing is shared.

Unit: rounds of 2 000 appends and 2 000 pops. Source: the twin of deque; deque divided by this is the
contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 2000},
    "checksum": "2000",
}

prepare, local, operation = own_objects("deque")
