"""Raise exceptions two calls deep and catch them: unwinding frames and making tracebacks.

Holds the GIL all the time. Unit: rounds of 90 calls, of which 60 raise. Source: the exception tasks of
pybench (CPython's Tools/pybench up to 3.6), re-thought.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 90},
    "checksum": "17655",
}


class Refused(Exception):
    """Carries the number that was refused."""


def prepare(parameters):
    return parameters["count"]


def check(number):
    if number % 3 == 1:
        raise Refused(number)
    if number % 3 == 2:
        raise ValueError("not %d" % number)
    return number


def accept(number):
    try:
        return check(number)
    finally:
        number += 1


def operation(count):
    total = 0
    for number in range(count):
        try:
            total += accept(number)
        except Refused as refusal:
            total += 10 * refusal.args[0]
        except ValueError:
            total += 100
    return total
