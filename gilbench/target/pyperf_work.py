"""The work of a pyperf benchmark: each thread runs the script itself, up to the benchmark, and then repeats that.

So each thread has a module, arguments and objects of its own, as each process of pyperf has: many benchmarks change
their global variables. With the parameter ``namespace`` set to ``shared``, the threads share those of the first one.
The script goes on when the worker ends: what it removes at its end is there until then.
"""

import threading

import crew
import pyperf_script
from loading import Unsupported
from spinning import Work


def work_on(script, arguments, name, digest):
    """The class of work on one benchmark of a script that has this digest."""
    return type("Work", (BenchmarkWork,), {"source": (script, arguments, name, digest)})


class BenchmarkWork(Work):
    """Repeats a benchmark; it has no checksum."""

    source = None

    def __init__(self, module, parameters, threads):
        self.is_shared = parameters["namespace"] == "shared"
        self.lock = threading.Lock()  # a script changes sys.argv and perhaps more
        self.locals = [None] * threads
        self.expected = ""
        self.loops = 1
        if pyperf_script.digest(self.source[0]) != self.source[3]:
            raise RuntimeError("%s changed since this study was planned" % self.source[0])

    def move_in(self, index):
        self.lock.acquire()
        there = [benchmark for benchmark in self.locals if benchmark is not None]
        if self.is_shared and there:
            self.locals[index] = there[0]
            self.lock.release()
            return
        script, arguments, name, _ = self.source
        others = []

        def registered(benchmark):
            if benchmark.name != name or self.locals[index] is not None:
                others.append(benchmark.name)
                return
            if benchmark.repeat is None:
                raise Unsupported("%s %s" % (name, benchmark.refused))
            self.locals[index], self.weight = benchmark, benchmark.inner_loops
            self.lock.release()
            crew.stay()

        try:
            pyperf_script.run(script, arguments, registered)
        except ImportError as error:
            raise Unsupported("%s cannot be imported: %s" % (script, error))
        finally:
            if self.locals[index] is None:
                self.lock.release()
        if self.locals[index] is None:
            raise pyperf_script.ScriptError(
                "the script has no benchmark %s, only: %s" % (name, ", ".join(others))
            )

    def _chunk(self, local, loops):
        return local.repeat(loops)
