"""All threads append to one collections.deque and take from its other end.

The queue for those who need no waiting: both calls are C, and with a GIL each is atomic without a lock. A
free-threaded build takes the deque's own lock for each. Each thread takes as often as it has put, so the
deque is never empty when it does. Unit: rounds of 2 000 appends and 2 000 pops. Source: collections.deque's
documentation ("thread-safe, memory efficient appends and pops"); PEP 703 (locks of containers).
"""

import collections

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 2000},
    "checksum": "2000",
}


def prepare(parameters):
    return collections.deque(), parameters["count"]


def operation(state):
    line, count = state
    taken = 0
    for _ in range(count):
        line.append(1)
        taken += line.popleft()
    return taken
