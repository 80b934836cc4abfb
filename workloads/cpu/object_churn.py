"""Make small objects that point at each other and drop them: allocation, reference counts and garbage collection.

Each pair is a cycle, which reference counting cannot free, so the collector comes every few hundred objects.
It is part of the work. On a free-threaded build a collection stops all threads, which limits how far this
scales however much memory is the threads' own. Unit: rounds of 100 pairs. Source: PEP 703 (stop-the-world
collection); "gc_traversal" of pyperformance.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"pairs": 100},
    "checksum": "333300",
}


class Node(object):
    """A number, and another node."""

    def __init__(self, number, other):
        self.number = number
        self.other = other


def prepare(parameters):
    return parameters["pairs"]


def operation(pairs):
    total, kept = 0, []
    for number in range(pairs):
        left = Node(number, None)
        right = Node(number + 1, left)
        left.other = right
        kept.append(left)  # else a compiler may find that nobody sees the pair, and not make it
    for node in kept:
        total += node.number * node.other.number
    return total
