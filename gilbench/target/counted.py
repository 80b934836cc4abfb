"""One process for one count: ``python counted.py ANSWER WORKLOAD OPERATIONS [NAME TYPE VALUE]...``.

Does a fixed number of operations on the main thread and ends. A tool around the process counts its instructions, so
nothing here depends on time, and two lengths differ in nothing but the number of operations. Imports are few: under
valgrind, starting would otherwise take longer than the work.

The arguments after the number of operations are the workload's parameters. The file ANSWER gets two lines: ``ok`` and
the checksum, or the kind of an error, as in ``worker.py``, and its message.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:  # with -I and -P
    sys.path.insert(0, HERE)

from loading import Unsupported, load
from spinning import Work, WrongChecksum

TYPES = {"int": int, "float": float, "str": str}


def work(path, operations, parameters):
    """Do the operations and return their checksum."""
    work = Work(load(path), parameters, 1)
    work.loops = operations
    work.spin(0, [0.0])  # one chunk, at whose end the time is up
    return "ok", str(work.expected)


def answer(path, operations, parameters):
    """Return how it went, and the checksum or the reason."""
    try:
        return work(path, operations, parameters)
    except Unsupported as error:
        return "unsupported", str(error)
    except WrongChecksum as error:
        return "checksum", str(error)
    except Exception as error:
        import traceback

        traceback.print_exc()
        return "workload", "%s: %s" % (type(error).__name__, error)


def main(file, path, operations, *words):
    parameters = {}
    for name, kind, value in zip(words[::3], words[1::3], words[2::3]):
        parameters[name] = TYPES[kind](value)
    told = answer(path, int(operations), parameters)
    with open(file, "w") as lines:
        lines.write("%s\n%s\n" % told)


if __name__ == "__main__":
    main(*sys.argv[1:])
