"""Compute digits of pi with a spigot: big integers, so long stretches of C that keep the GIL.

Unit: runs of 60 digits. Source: the "pi" task of ccbench (A. Pitrou, CPython's Tools/ccbench); the algorithm is
J. Gibbons, "Unbounded spigot algorithms for the digits of pi", 2006.
"""

WORKLOAD = {
    "core": True,
    "driver": "parallel",
    "unit": "runs",
    "parameters": {"digits": 60},
    "checksum": "264338327950288419716939937510582097494",
}


def prepare(parameters):
    return parameters["digits"]


def operation(digits):
    # The stream z -> (q*z + r) / t is a linear fractional transformation, consumed digit by digit.
    q, r, t, k, value, produced = 1, 0, 1, 1, 0, 0
    while produced < digits:
        digit = (3 * q + r) // t
        if digit == (4 * q + r) // t:
            value = (value * 10 + digit) % 10**39
            produced += 1
            q, r = 10 * q, 10 * (r - digit * t)
        else:
            q, r, t, k = q * k, (2 * q + r) * (2 * k + 1), t * (2 * k + 1), k + 1
    return value
