"""All threads put into one queue.Queue and take out again.

A Queue is Python code around one lock and three conditions, so its users take turns on every build. Each
thread takes as often as it has put, so none ever waits for an item. Unit: rounds of 30 puts and 30 gets.
Source: D. Beazley, "Understanding the Python GIL", 2010 (threads that hand work over through a Queue).
"""

try:
    from Queue import Queue
except ImportError:
    from queue import Queue

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 30},
    "checksum": "30",
}


def prepare(parameters):
    return Queue(), parameters["count"]


def operation(state):
    line, count = state
    taken = 0
    for _ in range(count):
        line.put(1)
        taken += line.get()
    return taken
