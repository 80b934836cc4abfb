"""global_function where each thread has the module, and so the function, of its own.

Unit: rounds of 4 500 calls. Source: the twin of global_function; global_function divided by this is the
contention.
"""

from _twins import own_code

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 4500},
    "checksum": "4500",
}

prepare, local, operation = own_code("global_function")
