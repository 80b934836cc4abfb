"""Square roots of 20 000 numbers with a NumPy ufunc: an element-wise C loop that releases the GIL.

NumPy lets go of the GIL in loops over 500 elements and more, and this one stays in the processor's cache.
NumPy before 2.1 does not know free-threaded builds, and importing it there switches the GIL back on. The
numbers are squares, so the roots are exact. Unit: calls with 20 000 numbers. Source: NumPy's documentation
("Thread safety").
"""

import numpy as np

WORKLOAD = {
    "driver": "parallel",
    "unit": "calls",
    "parameters": {"size": 20000},
    "checksum": "200009999",
    "requires": ["numpy"],
}


def prepare(parameters):
    return parameters["size"]


def local(size, index):
    return np.arange(size, dtype=np.float64) ** 2, np.empty(size)


def operation(state):
    squares, roots = state
    roots[-1] = -1.0
    np.sqrt(squares, out=roots)
    return int(roots.sum()) + int(roots[-1])


def backend():
    """The library that does the work."""
    return "NumPy %s" % np.__version__
