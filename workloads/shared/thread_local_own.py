"""thread_local where each thread has a threading.local of its own, which no other uses.

The class of all of them is still one, so this need not scale either. Unit: rounds of 2 000 increments.
Source: the twin of thread_local; thread_local divided by this is the contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 2000},
    "checksum": "2000",
}

prepare, local, operation = own_objects("thread_local")
