"""All threads take one threading.RLock twice over and release it.

As lock_contended, with the lock that knows its owner: the inner acquisition is free of waiting. On 2.7 an
RLock is Python code, on 3.2 and later C. Unit: rounds of 100 acquisitions, each with another inside. Source:
bpo-3001 (RLock in C).
"""

import threading

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 100},
    "checksum": "100",
}


def prepare(parameters):
    return threading.RLock(), [None], parameters["count"]


def local(shared, index):
    return shared + (index,)


def operation(state):
    lock, holder, count, index = state
    alone = 0
    for _ in range(count):
        with lock:
            holder[0] = index
            with lock:
                alone += holder[0] == index
    return alone
