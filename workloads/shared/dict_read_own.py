"""dict_read on a dict of the thread's own: what it costs when nothing is shared.

Unit: rounds of 1 000 look-ups. Source: the twin of dict_read; dict_read divided by this is the contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"keys": 1000},
    "checksum": "1499500",
}

prepare, local, operation = own_objects("dict_read")
