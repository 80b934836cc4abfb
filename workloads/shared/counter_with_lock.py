"""All threads increment one counter under one lock: how a shared counter is written.

The lock makes the work serial on every build, so more threads cannot help; the question is how much they
hurt. With a GIL a thread that is switched out while it holds the lock makes all others wait for it twice.
Each thread checks that the counter grew by at least its own increments, and always upwards. Unit: rounds of
200 increments. Source: "is += thread-safe?", the first question of every talk on the GIL.
"""

import threading

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 200},
    "checksum": "200",
}


class Counter(object):
    """A number and its lock."""

    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()


def prepare(parameters):
    return Counter(), parameters["count"]


def operation(state):
    counter, count = state
    lock = counter.lock
    last = first = counter.value
    rising = 0
    for _ in range(count):
        with lock:
            counter.value += 1
            value = counter.value
        rising += value > last
        last = value
    return rising if last - first >= count else -1
