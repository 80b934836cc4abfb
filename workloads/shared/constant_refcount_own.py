"""constant_refcount where each thread has the function, and so its constants, of its own.

Builds that keep one copy of equal constants undo this: then it shows the same as its neighbour. Unit: rounds
of 4 000 turns. Source: the twin of constant_refcount; constant_refcount divided by this is the contention.
"""

from _twins import own_code

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 4000},
    "checksum": "8010",
}

prepare, local, operation = own_code("constant_refcount")
