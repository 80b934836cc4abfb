"""All threads take and release one threading.Lock, with next to nothing to do while they hold it.

The worst use of a lock, and the fastest way to see what a lock costs: hand-over between processors, sleeping
and waking. With a GIL two locks meet, as a thread that waits for the lock has to wait for the GIL again.
Whoever holds it leaves its name there, and must find it unchanged. Unit: rounds of 200 acquisitions. Source:
D. Beazley, "Understanding the Python GIL", 2010; PEP 703 (the cost of locks).
"""

import threading

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 200},
    "checksum": "200",
}


def prepare(parameters):
    return threading.Lock(), [None], parameters["count"]


def local(shared, index):
    return shared + (index,)


def operation(state):
    lock, holder, count, index = state
    alone = 0
    for _ in range(count):
        with lock:
            holder[0] = index
            alone += holder[0] == index
    return alone
