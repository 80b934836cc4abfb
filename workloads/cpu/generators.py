"""Pull numbers through a chain of generators: frames that are left and entered again.

Holds the GIL all the time. Unit: chains of 600 numbers. Source: "generators" of pyperformance; "generator" of
CPython's Tools/ftscalingbench; here as a pipeline.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "chains",
    "parameters": {"count": 600},
    "checksum": "35999900",
}


def prepare(parameters):
    return parameters["count"]


def numbers(count):
    for number in range(count):
        yield number


def odd(source):
    for number in source:
        if number % 2:
            yield number


def squares(source):
    for number in source:
        yield number * number


def operation(count):
    total = 0
    for number in squares(odd(numbers(count))):
        total += number
    return total
