"""All threads append to one list.

With a GIL the appends take turns anyway. A free-threaded build takes the list's own lock for each, and all
processors write the same few cache lines. A list that has grown long is replaced by a new one, never cleared,
so that each thread can see its own appends arrive; growing belongs to the work. Unit: rounds of 1 000
appends. Source: PEP 703 (locks of containers); the pattern of CPython's Tools/ftscalingbench, with one shared
list.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 1000, "limit": 20000},
    "checksum": "1000",
}


def prepare(parameters):
    return [[]], parameters["count"], parameters["limit"]


def operation(state):
    box, count, limit = state
    items = box[0]
    before = len(items)
    for number in range(count):
        items.append(number)
    after = len(items)
    if after > limit:
        box[0] = []  # whoever still holds the old one appends to it in peace
    return min(after - before, count)
