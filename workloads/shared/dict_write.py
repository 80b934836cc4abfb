"""All threads write one dict, each its own 1 000 keys: what a free-threaded build makes contend.

With a GIL the writes take turns anyway; without it they meet at the dict's own lock. Unit: rounds of 1 000 writes.
Source: the pattern of CPython's Tools/ftscalingbench, with one shared dict.
"""

WORKLOAD = {
    "core": True,
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"keys": 1000},
    "checksum": "499500",
}


def prepare(parameters):
    return {}, parameters["keys"]


def local(shared, index):
    table, keys = shared
    own = list(range(index * keys, (index + 1) * keys))
    for key in own:
        table[key] = key  # all keys exist before the clock starts: no resize is measured
    return table, own


def operation(state):
    table, own = state
    for key in own:
        table[key] = key
    return sum(table[key] for key in (own[0], own[-1])) * len(own) // 2 - own[0] * len(own)
