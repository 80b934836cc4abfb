"""How an ``own`` twin is made: the operation of its neighbour, on objects of each thread's own.

A twin copies nothing. What its neighbour's ``prepare`` makes once for all threads is made once for each, so the
quotient of the two figures is what sharing costs. The neighbour is found by its path, because ``queue`` and its like
are also names of the standard library.
"""

import os
import types

from loading import compiled

FOLDER = os.path.dirname(os.path.abspath(__file__))


def neighbour(name):
    """Run a workload's file once more and return it as a module that nothing else refers to."""
    module = types.ModuleType("neighbour_" + name)
    path = os.path.join(FOLDER, name + ".py")
    exec(compiled(path), module.__dict__)  # noqa: S102 - a file of the catalogue
    return module


def bind(module, parameters, index):
    """What the module's operation works on, made from nothing."""
    shared = module.prepare(parameters)
    return module.local(shared, index) if hasattr(module, "local") else shared


def own_objects(name):
    """``prepare, local, operation`` of a twin whose threads have objects of their own and share the code."""
    module = neighbour(name)

    def local(parameters, index):
        return bind(module, parameters, index)

    return dict, local, module.operation


def own_code(name):
    """``prepare, local, operation`` of a twin whose threads each have the code too: functions, classes, constants."""

    def local(parameters, index):
        module = neighbour(name)
        return module, module.operation, bind(module, parameters, index)

    def operation(state):
        _, run, bound = state
        return run(bound)

    return dict, local, operation
