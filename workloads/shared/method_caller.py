"""All threads use one operator.methodcaller on objects of their own.

A small callable that is made once and kept in a table, as sort keys and dispatchers are. A free-threaded
build counts references to it and to what it keeps for the call, so all threads meet at those counters. Unit:
rounds of 300 calls. Source: "method_caller" of CPython's Tools/ftscalingbench, re-thought.
"""

import operator

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 300},
    "checksum": "390300",
}


class Target(object):
    """What the method is called on."""

    def __init__(self, step):
        self.step = step

    def advance(self, number):
        """Go one step from a number."""
        return number + self.step


def prepare(parameters):
    return operator.methodcaller("advance", 1000 + parameters["count"]), parameters["count"]


def local(shared, index):
    caller, count = shared
    return caller, Target(1), count


def operation(state):
    caller, target, count = state
    total = 0
    for _ in range(count):
        total += caller(target)
    return total
