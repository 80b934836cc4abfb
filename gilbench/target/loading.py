"""How a workload's file becomes a module."""

import marshal
import os
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
_loaded = []  # Python 2 empties a module that nobody refers to, and its functions lose their globals


class Unsupported(Exception):
    """This interpreter lacks what the workload needs."""


class Failed(Exception):
    """The user's own code failed; the message says in one line how."""


def compiled(path):
    """The code of a file as a program has it."""
    with open(path) as source:
        return loaded(compile(source.read(), path, "exec"))


def loaded(code):
    """Code as a program has it: loaded, not just compiled.

    A free-threaded build makes constants immortal when code is unmarshalled, and not when it is compiled: threads would
    contend on the reference counts of constants that in a real program have none.
    """
    return marshal.loads(marshal.dumps(code)) if hasattr(sys, "_is_gil_enabled") else code  # noqa: S302 - our own


def load(path):
    """Run a workload's file and return it as a module."""
    module = types.ModuleType(str(os.path.splitext(os.path.basename(path))[0]))
    module.__file__ = path
    _loaded.append(module)
    # The source's folder lets a workload import its neighbours, as a script could.
    if os.path.dirname(path) not in sys.path:
        sys.path.append(os.path.dirname(path))
    try:
        exec(compiled(path), module.__dict__)  # noqa: S102 - a workload is code that the user asked to run
    except ImportError as error:
        raise Unsupported("%s cannot be imported: %s" % (module.__name__, error))
    return module


def step_aside():
    """Let the user's modules have any name: those of gilbench are no longer found by name."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name != "__main__" and file and os.path.dirname(os.path.abspath(file)) == HERE:
            _loaded.append(sys.modules.pop(name))
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != HERE]
