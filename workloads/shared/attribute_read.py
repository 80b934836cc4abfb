"""All threads read three attributes of one object.

Nobody writes. Each read counts a reference to the value and gives it back, and before 3.14 to the object too,
so on a free-threaded build all processors write the counters of the same four objects. Unit: rounds of 6 000
reads. Source: the reference-count contention that CPython's Tools/ftscalingbench looks for.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 2000},
    "checksum": "33872000",
}


class Settings(object):
    """Three numbers."""

    def __init__(self, width):
        self.width, self.height, self.depth = width, width + 1080, width + 4096


def prepare(parameters):
    return Settings(1920 + parameters["count"]), parameters["count"]


def operation(state):
    settings, count = state
    total = 0
    for _ in range(count):
        total += settings.width
        total += settings.height
        total += settings.depth
    return total
