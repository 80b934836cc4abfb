"""One process for some experiments: ``python tester.py REQUESTS REPLIES``, both numbers of inherited descriptors.

Speaks as ``worker.py`` does. The request ``experiment`` names a module of ``properties/``, a function, and arguments.
An experiment may hang or kill the interpreter; gilbench then starts another process for the remaining ones.
"""

import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:  # with -I and -P
    sys.path.insert(0, HERE)

import facts
from worker import Responder, main


class Tester(Responder):
    """Answers requests for experiments."""

    def experiment(self, request):
        module = importlib.import_module("properties.%s" % request["module"])
        gil = facts.gil_enabled()
        answer = getattr(module, request["function"])(**request["arguments"])
        answer["gil_enabled"] = [gil, facts.gil_enabled()]
        return answer


if __name__ == "__main__":
    main(Tester)
