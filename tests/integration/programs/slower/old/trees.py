"""A tree of nodes."""


class Node:
    def __init__(self, depth, parent=None):
        self.depth = depth
        self.children = []


def grow(depth, parent=None):
    node = Node(depth, parent)
    if depth:
        for _ in range(2):
            node.children.append(grow(depth - 1, node))
    return node
