"""All threads write one attribute of one object.

With a GIL the writes take turns anyway. A free-threaded build takes the lock of the object or of its dict for
each, and all processors write the same cache line. A value that is read back must be one that some thread
wrote. Unit: rounds of 4 000 writes. Source: PEP 703 (locks of containers); the pattern of CPython's
Tools/ftscalingbench, with one shared object.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 4000},
    "checksum": "4000",
}


class Record(object):
    """One number that everybody writes."""

    def __init__(self):
        self.value = 0


def prepare(parameters):
    return Record(), parameters["count"]


def local(shared, index):
    record, count = shared
    return record, [count * count + number for number in range(count)]


def operation(state):
    record, numbers = state
    for number in numbers:
        record.value = number
    return record.value // len(numbers)
