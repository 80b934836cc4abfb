"""Runs a script that is written for pyperf, with a stand-in for pyperf that is told what the script measures.

The script runs as ``python SCRIPT ARGUMENTS`` would, but its module ``pyperf`` is made here: pyperf need not be
installed, starts no other processes, and does not measure. What a script uses of pyperf to define benchmarks is there.
"""

import argparse
import functools
import hashlib
import itertools
import os
import platform
import sys
import timeit
import types

from clocks import now
from loading import HERE, compiled, load, step_aside

VERSION = "2.0.0"  # of pyperf, whose interface this is
COMMAND = "starts a program (bench_command), and gilbench measures functions"
_CLOCKS = 1e-3  # s by which another clock may be ahead of ours
# What a script may ask of the options that pyperf itself has.
_OPTIONS = {
    "affinity": None,
    "append": None,
    "copy_env": False,
    "debug_single_value": False,
    "fast": False,
    "inherit_environ": None,
    "loops": None,
    "min_time": 0.1,
    "output": None,
    "pipe": None,
    "processes": None,
    "quiet": False,
    "rigorous": False,
    "values": None,
    "verbose": False,
    "warmups": None,
    "worker": False,
    "worker_task": None,
}
_kept = []  # Python 2 empties a module that nobody refers to


class ScriptError(Exception):
    """The script ended before the benchmark."""


class Benchmark(object):
    """What a script measures.

    Args:
        name: Its name.
        repeat: ``repeat(loops)`` does it so often, and returns the seconds of this time that do not count; None: it
            cannot be done here.
        inner_loops: What one of these loops counts for.
        refused: Why it cannot be done.
    """

    def __init__(self, name, repeat, inner_loops=None, refused=None):
        self.name, self.repeat, self.refused = name, repeat, refused
        self.inner_loops = 1 if inner_loops is None else int(inner_loops)


class Runner(object):
    """The stand-in for ``pyperf.Runner``, which tells ``registered`` each benchmark."""

    registered = None  # function of a Benchmark; whoever runs a script sets it

    def __init__(self, **options):
        self.metadata = dict(options.get("metadata") or {})
        self.argparser = options.get("_argparser") or argparse.ArgumentParser()
        self.argparser.set_defaults(**_OPTIONS)
        self.args = None
        self._tell = Runner.registered

    def parse_args(self, args=None):
        if self.args is None:
            self.args = self.argparser.parse_args(args)
        return self.args

    def _add(self, name, repeat, inner_loops=None, refused=None):
        self.parse_args()
        self._tell(Benchmark(name, repeat, inner_loops, refused))

    def bench_func(self, name, func, *args, **options):
        inner_loops = _of(options, "inner_loops")
        call = functools.partial(func, *args) if args else func

        def repeat(loops):
            for _ in itertools.repeat(None, loops):
                call()
            return 0.0

        self._add(name, repeat, inner_loops)

    def bench_time_func(self, name, time_func, *args, **options):
        self._add(name, _timed(lambda loops: time_func(loops, *args)), _of(options, "inner_loops"))

    def bench_async_func(self, name, func, *args, **options):
        inner_loops, factory = _of(options, "loop_factory"), options.get("loop_factory")
        timed = load(os.path.join(HERE, "tasks.py")).timed  # Python 2 cannot compile it

        def seconds(loops):
            import asyncio

            loop = (factory or asyncio.new_event_loop)()
            try:
                return loop.run_until_complete(timed(func, args, loops, now))
            finally:
                loop.close()

        self._add(name, _timed(seconds), inner_loops)

    def timeit(self, name, stmt=None, setup="pass", teardown="pass", **options):
        inner_loops = _of(options, "duplicate", "globals")
        if teardown not in ("pass", "", None):
            self._add(name, None, refused="has a teardown, which gilbench does not run")
            return
        parts = [part if isinstance(part, str) else "\n".join(part) for part in (stmt or name, setup)]
        duplicate = int(options.get("duplicate") or 1)
        if duplicate > 1:
            parts[0] = "\n".join([parts[0]] * duplicate)
            inner_loops = (inner_loops or 1) * duplicate
        named = {"globals": options["globals"]} if options.get("globals") else {}
        timer = timeit.Timer(*parts, **named)
        # Not Timer.timeit: it switches the garbage collection off for all threads.
        self._add(name, _timed(lambda loops: timer.inner(itertools.repeat(None, loops), now)), inner_loops)

    def bench_command(self, name, command):
        self._add(name, None, refused=COMMAND)


def _of(options, *known):
    """The option ``inner_loops``; any other than the known ones is an error, as it is for pyperf."""
    unknown = set(options) - set(known) - {"inner_loops", "metadata"}
    if unknown:
        raise TypeError("unexpected keyword argument %r" % sorted(unknown)[0])
    return options.get("inner_loops")


def _timed(time):
    """Repeat by a function that is given a number of loops, and returns the seconds that count."""

    def repeat(loops):
        if not loops:
            return 0.0
        started = now()
        seconds = time(loops)
        taken = now() - started
        if not isinstance(seconds, (int, float)) or not 0 <= seconds <= taken + _CLOCKS:
            raise ValueError(
                "the time function returned %r after %g s instead of the seconds" % (seconds, taken)
            )
        return max(0.0, taken - seconds)

    return repeat


def run(path, arguments, registered):
    """Run a script; call ``registered`` with each benchmark.

    Raises:
        ScriptError: It exited with a status.
    """
    step_aside()
    module = types.ModuleType("__main__")
    module.__file__ = path
    _kept.extend([module, sys.modules["__main__"]])
    Runner.registered = staticmethod(registered)
    sys.modules.update({"__main__": module, "pyperf": _stand_in()})
    sys.argv = [path] + list(arguments)
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        exec(compiled(path), module.__dict__)  # noqa: S102 - a script that the user asked to run
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise ScriptError("the script exited: %s" % (ended.code,))


def digest(path):
    """The digest of a file."""
    with open(path, "rb") as source:
        return hashlib.sha256(source.read()).hexdigest()[:16]


def _stand_in():
    module = types.ModuleType("pyperf")
    module.Runner = Runner
    module.perf_counter = now
    module.VERSION = tuple(map(int, VERSION.split(".")))
    module.__version__ = VERSION
    module.python_implementation = lambda: platform.python_implementation().lower()
    module.python_has_jit = lambda: "pypyjit" in sys.builtin_module_names
    return module
