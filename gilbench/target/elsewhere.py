"""Drivers that do the work of ``parallel`` with something else than threads.

N processes, subinterpreters, or tasks that hand over to each other of their own accord repeat one operation.
The record is that of threads, so that a way around the GIL stands beside the GIL. What is handed over is
"work until then" and the count: neither starting the workers nor moving data to them is in the figure.
"""

import os
import sys
import tempfile

import facts
from clocks import now
from crew import Crew
from loading import Unsupported
from spinning import Spell, Work, WrongChecksum, steady_window


def _record(spells, tids, expected):
    window = steady_window(spells)
    threads = [spell.record(tid, window) for spell, tid in zip(spells, tids)]
    return {
        "checksum": expected,
        "window": window[1] - window[0],
        "operations": sum(thread["operations"] for thread in threads),
        "threads": threads,
    }


class Processes(object):
    """N kept processes, started by ``method``: fork or spawn."""

    def __init__(self, module, parameters, threads, background):
        import offspring

        context = self._context(parameters["method"])
        self.spell_of = offspring.spell_of
        self.connections = []
        for index in range(threads):
            ours, theirs = context.Pipe()
            inherited = self.connections + [ours] if parameters["method"] == "fork" else []
            child = context.Process(
                target=offspring.serve,
                args=(theirs, os.getpid(), inherited, module.__file__, parameters, threads, index),
            )
            child.daemon = True
            child.start()
            theirs.close()
            self.connections.append(ours)
        self.pids, checksums = zip(*[self._answer(connection) for connection in self.connections])
        self.expected = checksums[0]

    @staticmethod
    def _context(method):
        try:
            import multiprocessing
            import multiprocessing.synchronize
        except ImportError as error:
            raise Unsupported("this interpreter has no multiprocessing: %s" % error)
        if hasattr(multiprocessing, "get_context"):
            return multiprocessing.get_context(method)
        if method != "fork":
            raise Unsupported("multiprocessing of Python 2 supports only fork, not %s" % method)
        return multiprocessing

    @staticmethod
    def _answer(connection):
        try:
            error, answer = connection.recv()
        except EOFError:
            raise RuntimeError("a worker process died")
        if error is not None:
            raise WrongChecksum(error) if error.startswith("WrongChecksum") else RuntimeError(error)
        return answer

    def calibrate(self):
        loops = []
        for connection in self.connections:  # one after the other: they are not to disturb each other
            connection.send(("calibrate",))
            loops.append(self._answer(connection))
        return max(loops)

    def measure(self, request, announce):
        until = now() + request["seconds"]
        for connection in self.connections:
            connection.send(("spin", until))
        spells = [self.spell_of(self._answer(connection)) for connection in self.connections]
        return _record(spells, self.pids, self.expected)


class Subinterpreters(object):
    """N threads, each of them in an interpreter with a GIL of its own."""

    def __init__(self, module, parameters, threads, background):
        self.create, self.run = self._api()
        self.crew = Crew(threads)
        self.files = [tempfile.TemporaryFile() for _ in range(threads)]
        self.interpreters = [self.create() for _ in range(threads)]
        start = "import sys; sys.path[:] = %r; import offspring; seat = offspring.Inhabitant%r"
        for index in range(threads):
            arguments = self.files[index].fileno(), module.__file__, parameters, threads, index
            self._run(index, start % (sys.path, arguments))
        self.expected = [self._ask(index, "expected") for index in range(threads)][0]

    @staticmethod
    def _api():
        if sys.version_info < (3, 12):
            raise Unsupported("subinterpreters with their own GIL need Python 3.12 or later")
        try:
            import _interpreters

            return _interpreters.create, getattr(_interpreters, "exec")  # noqa: B009 - a keyword in Python 2
        except ImportError:
            pass
        try:
            import _xxsubinterpreters

            return _xxsubinterpreters.create, _xxsubinterpreters.run_string
        except ImportError as error:
            raise Unsupported("this interpreter has no subinterpreters: %s" % error)

    def _run(self, index, source):
        failed = self.run(self.interpreters[index], source)  # 3.12 raises instead
        if failed is not None:
            raise RuntimeError("a subinterpreter failed: %s" % getattr(failed, "formatted", failed))

    def _ask(self, index, *request):
        import json

        self._run(index, "seat.do(*%r)" % (request,))
        descriptor = self.files[index].fileno()
        return json.loads(os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("ascii"))

    def calibrate(self):
        return max(self._ask(index, "calibrate") for index in range(len(self.files)))

    def measure(self, request, announce):
        until = now() + request["seconds"]
        self.crew.start(lambda index: self._ask(index, "spin", until))
        spells = [Spell(*parts) for parts in self.crew.join()]
        return _record(spells, [member.tid for member in self.crew.members], self.expected)


class Cooperative(object):
    """N tasks in one thread that hand over to the next after each operation, ``through`` tasklets or asyncio."""

    def __init__(self, module, parameters, threads, background):
        self.work = Work(module, parameters, threads)
        self.count = threads
        self.run_all = {"tasklets": _tasklets, "asyncio": _asyncio}[parameters["through"]]()

    def calibrate(self):
        self.work.calibrate()
        self.work.loops = 1  # each operation is followed by a switch
        return 1

    def measure(self, request, announce):
        until = [now() + request["seconds"]]
        spells = [Spell(None, [], 1, None) for _ in range(self.count)]
        self.run_all(
            [lambda index=index: self._step(spells[index], index, until) for index in range(self.count)]
        )
        return _record(spells, [facts.thread_id()] * self.count, str(self.work.expected))

    def _step(self, spell, index, until):
        """Do one operation; whether there is time for another one."""
        if spell.started is None:
            spell.started = now()
        self.work._chunk(self.work.locals[index], 1)
        spell.stamps.append(now())
        return spell.stamps[-1] < until[0]


def _tasklets():
    """What runs steps as tasklets: of Stackless where this is one, else greenlets, as PyPy has them."""
    try:
        import stackless
    except ImportError:
        stackless = None
    if stackless is not None and "Stackless" in sys.version:
        return lambda steps: _by_stackless(stackless, steps)
    try:
        from greenlet import greenlet
    except ImportError:
        raise Unsupported("this interpreter has neither tasklets nor greenlets")
    return lambda steps: _by_greenlets(greenlet, steps)


def _by_stackless(stackless, steps):
    def repeat(step):
        while step():
            stackless.schedule()

    for step in steps:
        stackless.tasklet(repeat)(step)
    stackless.run()


def _by_greenlets(greenlet, steps):
    """Each greenlet switches to the next one, the last of them back to the first, and to us when it ends."""
    ring = []

    def repeat(step):
        while step():
            ring.append(ring.pop(0))
            if ring[0] is not greenlet.getcurrent():
                ring[0].switch()

    for step in steps:
        ring.append(greenlet(lambda step=step: repeat(step)))
    while ring:
        current = ring[0]
        current.switch()  # comes back when one of them has ended, the first of the ring
        ring.pop(0)


def _asyncio():
    try:
        import asyncio
    except ImportError as error:
        raise Unsupported("this interpreter has no asyncio: %s" % error)
    import tasks

    loop = asyncio.new_event_loop()
    return lambda steps: loop.run_until_complete(tasks.repeat_all(steps))
