"""queue with a queue of the thread's own: what it costs when nothing is shared.

Unit: rounds of 30 puts and 30 gets. Source: the twin of queue; queue divided by this is the contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 30},
    "checksum": "30",
}

prepare, local, operation = own_objects("queue")
