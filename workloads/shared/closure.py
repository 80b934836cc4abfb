"""All threads call one function that was made inside another and remembers a variable of it.

Such a function is counted like any object, unlike a module's: 3.13 and 3.14 do not make it immortal or defer
its counting. So on a free-threaded build all threads meet at the counters of the function, its cell and what
is in the cell. Decorators and callbacks are of this kind. Unit: rounds of 3 000 calls. Source:
"create_closure" of CPython's Tools/ftscalingbench, re-thought: there each thread makes its own, here they
share one.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 3000},
    "checksum": "12000000",
}


def adder(step):
    def add(number):
        return number + step

    return add


def prepare(parameters):
    return adder(1000 + parameters["count"]), parameters["count"]


def operation(state):
    add, count = state
    total = 0
    for _ in range(count):
        total = add(total)
    return total
