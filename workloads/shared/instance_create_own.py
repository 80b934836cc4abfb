"""instance_create where each thread has the module, and so the class, of its own.

Unit: rounds of 1 500 instances. Source: the twin of instance_create; instance_create divided by this is the
contention.
"""

from _twins import own_code

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 1500},
    "checksum": "1125750",
}

prepare, local, operation = own_code("instance_create")
