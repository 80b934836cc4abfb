"""All threads call one function of the module.

Each call looks the function up in the module's dict and counts references to it. A free-threaded build that
counted them like any other would make all threads meet at that counter: 3.13 makes functions of modules
immortal as soon as a thread is started, 3.14 defers their counting. So this should scale, and says so where
it does not. Unit: rounds of 4 500 calls. Source: "pyfunction" of CPython's Tools/ftscalingbench, re-thought.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 4500},
    "checksum": "4500",
}


def successor(number):
    return number + 1


def prepare(parameters):
    return parameters["count"]


def operation(count):
    number = 0
    for _ in range(count):
        number = successor(number)
    return number
