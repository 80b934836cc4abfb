"""Run by an interpreter that is asked for the benchmarks of a script: ``python pyperf_list.py SCRIPT ARGUMENTS...``.

Prints one marked line of JSON, since the script may print what it likes before it: ``benchmarks`` (name, and why it is
refused or null), or ``error`` (why the script failed).
"""

import json
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:  # with -I and -P
    sys.path.insert(0, HERE)

import pyperf_script

MARK = "gilbench-benchmarks:"  # run/pyperf_scripts.py looks for it


def listed(path, arguments):
    """The benchmarks of a script, or why it failed."""
    found = []
    try:
        pyperf_script.run(path, arguments, found.append)
    except pyperf_script.ScriptError as error:
        return {"error": str(error)}
    except Exception as error:
        traceback.print_exc()
        return {"error": "%s: %s" % (type(error).__name__, error)}
    return {"benchmarks": [[str(one.name), one.refused] for one in found]}


if __name__ == "__main__":
    answer = listed(sys.argv[1], sys.argv[2:])
    sys.stdout.write("\n%s%s\n" % (MARK, json.dumps(answer)))
    sys.stdout.flush()
