"""attribute_read on an object of the thread's own: what it costs when nothing is shared.

Unit: rounds of 6 000 reads. Source: the twin of attribute_read; attribute_read divided by this is the
contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 2000},
    "checksum": "33872000",
}

prepare, local, operation = own_objects("attribute_read")
