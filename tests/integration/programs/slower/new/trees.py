"""A tree of nodes, each of which knows its parent: none is freed before a garbage collection."""


class Node:
    def __init__(self, depth, parent=None):
        self.depth = depth
        self.parent = parent
        self.children = []


def grow(depth, parent=None):
    node = Node(depth, parent)
    if depth:
        for _ in range(2):
            node.children.append(grow(depth - 1, node))
    return node
