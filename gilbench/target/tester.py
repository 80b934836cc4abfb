"""One process for some trials: ``python tester.py REQUESTS REPLIES``, both numbers of inherited descriptors.

Speaks as ``worker.py`` does; the request ``trial`` names a module of ``properties/``, a function and its arguments.
A trial may hang or kill the interpreter; gilbench then starts another process for what is left.
"""

import importlib

import facts
from worker import Worker, main


class Tester(Worker):
    """Answers requests for trials."""

    def trial(self, request):
        module = importlib.import_module("properties.%s" % request["module"])
        gil = facts.gil_enabled()
        answer = getattr(module, request["function"])(**request["arguments"])
        answer["gil_enabled"] = [gil, facts.gil_enabled()]
        return answer


if __name__ == "__main__":
    main(Tester)
