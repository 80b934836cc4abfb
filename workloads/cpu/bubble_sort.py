"""Sort a short list by bubble sort in pure Python: comparisons, and reads and writes of list items.

Holds the GIL all the time. Unlike countdown it works on memory, a list of the thread's own, and on a
free-threaded build each access to the list must be safe against other threads that could be there. Unit:
sorts of 40 numbers. Source: M. Grinberg, "Python 3.14 is here. How fast is it?", 2025.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "sorts",
    "parameters": {"length": 40},
    "checksum": "31217830",
}


def prepare(parameters):
    return parameters["length"]


def local(length, index):
    number, numbers = 1, []
    for _ in range(length):
        number = (number * 1103 + 12345) % 65536
        numbers.append(number)
    return numbers


def operation(numbers):
    items = list(numbers)
    for end in range(len(items) - 1, 0, -1):
        for i in range(end):
            left, right = items[i], items[i + 1]
            if left > right:
                items[i], items[i + 1] = right, left
    return sum(place * item for place, item in enumerate(items))
