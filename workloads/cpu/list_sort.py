"""Sort a list of numbers with ``sorted``: one C call that keeps the GIL.

The comparisons of whole numbers are C too, so the interpreter cannot switch threads before the list is
sorted. Unit: sorts of 1 000 numbers. Source: CPython's sortperf (Lib/test/sortperf.py up to 3.12),
re-thought.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "sorts",
    "parameters": {"length": 1000},
    "checksum": "128838539",
}


def prepare(parameters):
    return parameters["length"]


def local(length, index):
    number, numbers = 1, []
    for _ in range(length):
        number = (number * 69069 + 1) % 1048576
        numbers.append(number)
    return numbers


def operation(numbers):
    items = sorted(numbers)
    return sum(place * item for place, item in enumerate(items[:: len(items) // 20]))
