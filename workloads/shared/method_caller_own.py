"""method_caller with a methodcaller of the thread's own: what it costs when nothing is shared.

Unit: rounds of 300 calls. Source: the twin of method_caller; method_caller divided by this is the contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 300},
    "checksum": "390300",
}

prepare, local, operation = own_objects("method_caller")
