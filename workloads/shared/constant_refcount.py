"""All threads load the same constants of one function: a float, a tuple, a string.

A constant belongs to the code object, which all threads run. A free-threaded build that counted references to
it would make them meet at its counter. 3.13 and later make the constants of scripts and of cached modules
immortal, which scales, but go on counting floats and tuples of code that compile() made. Unit: rounds of 4
000 turns. Source: "mult_constant" and "load_tuple_const" of CPython's Tools/ftscalingbench, re-thought.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 4000},
    "checksum": "8010",
}


def prepare(parameters):
    return parameters["count"]


def operation(count):
    total, pair, word = 0.0, (), ""
    for _ in range(count):
        total += 1.5
        pair = (1000, 2000)
        word = "a constant"
    return int(total) + pair[1] + len(word)
