"""All threads read and write one threading.local, which keeps a value for each.

The values are the threads' own, but the way to them goes through one object that all share, and through its
class, which is C code: 3.13 counts references to such classes, unlike to those that are written in Python.
Unit: rounds of 2 000 increments. Source: "thread_local_read" of CPython's Tools/ftscalingbench, re-thought.
"""

import threading

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 2000},
    "checksum": "2000",
}


def prepare(parameters):
    return threading.local(), parameters["count"]


def operation(state):
    store, count = state
    store.number = 0
    for _ in range(count):
        store.number += 1
    return store.number
