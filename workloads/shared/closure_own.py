"""closure with a function of the thread's own, made by the same outer one.

Unit: rounds of 3 000 calls. Source: the twin of closure; closure divided by this is the contention.
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 3000},
    "checksum": "12000000",
}

prepare, local, operation = own_objects("closure")
