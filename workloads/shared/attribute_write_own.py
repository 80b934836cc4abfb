"""attribute_write on an object of the thread's own: what it costs when nothing is shared.

Unit: rounds of 4 000 writes. Source: the twin of attribute_write; attribute_write divided by this is the
contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 4000},
    "checksum": "4000",
}

prepare, local, operation = own_objects("attribute_write")
