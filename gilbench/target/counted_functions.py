"""``counted.py`` with a trampoline per Python function: ``python counted_functions.py NAMES ANSWER WORKLOAD ...``.

CPython 3.12 and newer call a Python function through a piece of machine code of its own. Each gets a line in the file
NAMES: its address, its size, and its name.
"""

import os
import shutil
import sys

import counted

WRITTEN = "/tmp/perf-%d.map" % os.getpid()  # noqa: S108 - CPython writes there, and nowhere else


def main(names, answer, *words):
    """Count with trampolines, or say in the answer why there are none."""
    _remove()  # of an earlier process of this number
    try:
        sys.activate_stack_trampoline("perf")
    except (AttributeError, ValueError) as error:
        with open(answer, "w") as lines:
            lines.write("unsupported\nno trampolines: %s\n" % error)
        return
    _first()
    with open(WRITTEN) as lines:
        _remove()  # CPython goes on writing, and nothing is left if this process is killed
        try:
            counted.main(answer, *words)
        finally:
            sys.deactivate_stack_trampoline()
            with open(names, "w") as copy:
                shutil.copyfileobj(lines, copy)


def _first():
    """Get the first trampoline: CPython creates the file for it."""


def _remove():
    if os.path.lexists(WRITTEN):
        os.remove(WRITTEN)


if __name__ == "__main__":
    main(*sys.argv[1:])
