"""Each thread takes and releases a threading.Lock of its own: what a lock costs that nobody else wants.

The twin of lock_contended, under the name by which this is known. On 2.7 a Lock is a semaphore of the system,
on 3.13 and later a single byte. Unit: rounds of 200 acquisitions. Source: lock_contended divided by this is
the contention; PEP 703 (the cost of locks).
"""

from _twins import own_objects

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 200},
    "checksum": "200",
}

prepare, local, operation = own_objects("lock_contended")
