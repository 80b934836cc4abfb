"""Multiply two 96 x 96 matrices with NumPy: BLAS computes, and the GIL is released meanwhile.

BLAS is held to one thread of its own, else it would use all processors at any thread count. NumPy before 2.1
does not know free-threaded builds, and importing it there switches the GIL back on. The matrices hold small
whole numbers, so the result is exact in any order of summation. Unit: products of 96 x 96 matrices. Source:
NumPy's documentation ("Thread safety").
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS"):
    os.environ[variable] = "1"  # read once, when the library is loaded

import numpy as np  # noqa: E402

WORKLOAD = {
    "driver": "parallel",
    "unit": "products",
    "parameters": {"size": 96},
    "checksum": "446497",
    "requires": ["numpy"],
}


def prepare(parameters):
    return parameters["size"]


def local(size, index):
    left = (np.arange(size * size) % 17).astype(np.float64).reshape(size, size)
    right = (np.arange(size * size) % 13).astype(np.float64).reshape(size, size)
    return left, right, np.empty((size, size))


def operation(state):
    left, right, product = state
    product[-1, -1] = -1.0
    np.dot(left, right, out=product)
    return int(product.trace()) + int(product[-1, -1])


def backend():
    """The library that does the work."""
    return "NumPy %s" % np.__version__
