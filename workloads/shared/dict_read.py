"""All threads look up the same 1 000 keys of one dict.

Nobody writes. A free-threaded build reads a dict without its lock, yet each look-up counts a reference to the
value and gives it back, so all processors write the counters of the same objects (3.13 also counts the dict
itself each time). The values are too large to be among the small numbers that are never counted. Unit: rounds
of 1 000 look-ups. Source: PEP 703 (optimistic dict access); the reference-count contention that CPython's
Tools/ftscalingbench looks for.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"keys": 1000},
    "checksum": "1499500",
}


def prepare(parameters):
    return {"key %d" % number: 1000 + number for number in range(parameters["keys"])}


def local(table, index):
    return table, sorted(table)


def operation(state):
    table, keys = state
    total = 0
    for key in keys:
        total += table[key]
    return total
