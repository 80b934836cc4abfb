"""list_append on a list of the thread's own: what it costs when nothing is shared.

Unit: rounds of 1 000 appends. Source: the twin of list_append; list_append divided by this is the contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 1000, "limit": 20000},
    "checksum": "1000",
}

prepare, local, operation = own_objects("list_append")
