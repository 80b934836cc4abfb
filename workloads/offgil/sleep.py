"""Sleep for 2 ms: a call that blocks, which releases the GIL and needs no processor meanwhile.

Any number of threads sleep side by side, whatever the number of processors, if the call lets go of the GIL. Unit:
sleeps of 2 ms. Source: D. Beazley, "Inside the Python GIL", 2009 (the GIL is released around blocking calls).
"""

import time

WORKLOAD = {
    "driver": "parallel",
    "unit": "sleeps",
    "parameters": {"seconds": 0.002},
    "checksum": "1",
}


def prepare(parameters):
    return parameters["seconds"]


def operation(seconds):
    time.sleep(seconds)
    return 1
