"""Write one byte to /dev/null: a system call of no length, which releases the GIL and wants it back.

What letting go of the GIL and taking it again costs by itself, alone and when others want it too: the I/O-bound
thread at its most extreme. Unit: rounds of
100 writes. Source: the I/O-bound threads of D. Beazley's talk of 2010.
"""

import os

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"writes": 100},
    "checksum": "100",
}


def prepare(parameters):
    return parameters["writes"]


def local(writes, index):
    return open(os.devnull, "wb", 0).write, writes


def operation(state):
    write, writes = state
    done = 0
    for _ in range(writes):
        write(b"x")
        done += 1
    return done
