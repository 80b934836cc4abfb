"""All threads make instances of one class.

An instance counts a reference to its class, and making one looks ``__init__`` up there. A free-threaded build
that counted in one place would make all threads meet at the class: 3.13 makes classes immortal as soon as a
thread is started, 3.14 counts per thread. So this should scale, and says so where it does not. Unit: rounds
of 1 500 instances. Source: "create_pyobject" of CPython's Tools/ftscalingbench, re-thought.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 1500},
    "checksum": "1125750",
}


class Point(object):
    """Two numbers."""

    def __init__(self, x, y):
        self.x = x
        self.y = y


def prepare(parameters):
    return parameters["count"]


def operation(count):
    total = 0
    for number in range(count):
        point = Point(number, 1)
        total += point.x + point.y
    return total
