"""Count an integer down to zero in pure Python: the classic of the GIL.

Holds the GIL all the time and touches no memory but its own, so two threads show the interpreter's lock and
nothing else. Unit: countdowns from 10 000. Source: D. Beazley, "Inside the Python GIL", 2009.
"""

WORKLOAD = {
    "core": True,
    "driver": "parallel",
    "unit": "countdowns",
    "parameters": {"start": 10000},
    "checksum": "0",
}


def prepare(parameters):
    return parameters["start"]


def operation(start):
    n = start
    while n > 0:
        n -= 1
    return n
