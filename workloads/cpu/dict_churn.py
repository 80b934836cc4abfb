"""Fill a dict, look keys up, delete half of them and fill it again: the memory of hash tables.

Holds the GIL all the time; every dict is the thread's own, so a free-threaded build should scale, and what it
does not is the price of its allocator. Unit: rounds of 300 keys. Source: the dict tasks of pybench (CPython's
Tools/pybench up to 3.6), re-thought.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"keys": 300},
    "checksum": "52500",
}


def prepare(parameters):
    return parameters["keys"]


def local(count, index):
    return ["key %d" % number for number in range(count)]


def operation(keys):
    table = {}
    for number, key in enumerate(keys):
        table[key] = number
    for key in keys[::2]:
        del table[key]
    for key in keys:
        if key not in table:
            table[key] = 200
    return sum(table[key] for key in keys)
