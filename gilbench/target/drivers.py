"""How a slice is run, by kind of workload.

A driver is made for one case, and its ``measure`` serves one slice: it returns the slice's record.
``announce(facts)`` tells gilbench that the peer, a process outside, may begin.
"""

import os
import signal
import sys
import time

import train
from clocks import now
from crew import Crew
from elsewhere import Cooperative, Processes, Subinterpreters
from loading import Unsupported
from releasing import Releasing
from spinning import Work, steady_window


class Parallel(object):
    """N threads repeat one operation for a time.

    A workload that is no ``operation`` brings a subclass of ``Work``.
    """

    def __init__(self, module, parameters, threads, background):
        self.work = getattr(module, "Work", Work)(module, parameters, threads)
        self.crew = Crew(threads)
        self.crew.run(self.work.move_in)

    def calibrate(self):
        return self.crew.run(lambda index: self.work.calibrate() if index == 0 else None)[0]

    def measure(self, request, announce):
        until = [now() + request["seconds"]]
        spells = self.crew.run(lambda index: self.work.spin(index, until))
        window = steady_window(spells)
        threads = [spell.record(member.tid, window) for spell, member in zip(spells, self.crew.members)]
        return {
            "checksum": str(self.work.expected),
            "window": window[1] - window[0],
            "operations": sum(thread["operations"] for thread in threads),
            "threads": threads,
        }

    def close(self):
        """Let the threads end what they began before the first job."""
        self.crew.dismiss()

    def train(self, request):
        """Serve this worker's slices of a train on the first thread."""
        return self.crew.run(lambda index: train.serve(self.work, request) if index == 0 else None)[0]


class Background(object):
    """N threads that compute while something else is measured; none where there is no workload for them."""

    def __init__(self, background, threads):
        module, parameters = background
        count = threads if module else 0
        self.work = Work(module, parameters, count) if count else None
        self.crew = Crew(count)
        self.until = None
        if self.work:
            self.crew.run(self.work.move_in)

    def calibrate(self):
        return (
            self.crew.run(lambda index: self.work.calibrate() if index == 0 else None)[0] if self.work else 0
        )

    def start(self):
        self.until = until = [float("inf")]
        self.crew.start(lambda index: self.work.spin(index, until))

    def stop(self):
        self.until[0] = 0.0
        spells = self.crew.join()
        if not spells:
            return []
        window = steady_window(spells)
        return [spell.record(member.tid, window) for spell, member in zip(spells, self.crew.members)]


class Service(object):
    """The main thread serves a client outside while N threads compute.

    The workload has ``listen(parameters)``, which returns its state and the address, and ``serve(state)``,
    which serves one client until that closes and returns the number of requests. Without ``listen`` the state
    is the paths of two pipes, one to read from and one to write to. ``threads`` among the parameters says how
    many threads the case has.
    """

    def __init__(self, module, parameters, threads, background):
        self.background = Background(background, threads)
        self.serve = module.serve
        self.state = self.address = None
        if hasattr(module, "listen"):
            self.state, self.address = module.listen(dict(parameters, threads=threads))

    def calibrate(self):
        return self.background.calibrate()

    def measure(self, request, announce):
        self.background.start()
        try:
            announce({"address": self.address})
            served = self.serve(request.get("pipes") or self.state)
        finally:
            threads = self.background.stop()
        return {"checksum": "", "window": 0.0, "operations": 0, "served": served, "threads": threads}


class Signals(object):
    """Signals come from a process outside, or from a timer, while N threads compute.

    The workload has ``await_signals(parameters, until, stamps)``, what the main thread does meanwhile, and the
    declared parameter ``signal``. Each call of the handler is stamped, unless the workload has a handler of its
    own, ``handler(parameters)`` returns it, and appends to ``stamps`` when it has seen a signal. Signals that it
    causes itself it returns the due moments of; their ``interval`` is another one in each slice. A handled signal
    is seen when Python code runs, not when the kernel delivers.
    """

    def __init__(self, module, parameters, threads, background):
        self.background = Background(background, threads)
        self.await_signals = module.await_signals
        self.parameters = parameters
        self.stamps = []
        if hasattr(module, "prepare"):
            module.prepare(parameters)
        handler = module.handler(parameters) if hasattr(module, "handler") else self._handle
        signal.signal(self._number(parameters["signal"]), handler)

    @staticmethod
    def _number(name):
        if not hasattr(signal, name):
            raise Unsupported("the module signal of this interpreter has no %s" % name)
        if sys.platform == "cli":  # IronPython 2
            raise Unsupported("%s ends this interpreter, whatever handler it has" % name)
        return getattr(signal, name)

    def _handle(self, number, frame):
        self.stamps.append(now())

    def calibrate(self):
        return self.background.calibrate()

    def measure(self, request, announce):
        del self.stamps[:]
        self.background.start()
        try:
            if request["peer"]:
                announce({"pid": os.getpid()})
            parameters = dict(self.parameters, interval=request.get("interval", self.parameters["interval"]))
            due = self.await_signals(parameters, now() + request["seconds"], self.stamps)
        finally:
            threads = self.background.stop()
        time.sleep(0)  # a signal that is still pending is handled here at the latest
        return {
            "checksum": "",
            "window": 0.0,
            "operations": 0,
            "due": due,
            "handled": list(self.stamps),
            "threads": threads,
        }


class Inside(object):
    """The main thread does something that needs no client while N threads compute.

    The workload has ``foreground(state, until)``, where the state is what its ``prepare(parameters)`` returns; it
    returns ``operations`` and the ``window`` in which they were done, or the ``latencies`` of events that came on
    schedule, or both, and a ``checksum`` of the work where it has one. If it is ``scheduled`` and has a parameter
    ``interval``, it gets the moments of the schedule instead of ``until``. ``calibrate(state)``, where there is one,
    fits the state to the processor. A workload that is made for threads, with an ``operation``, is repeated in the
    main thread.
    """

    def __init__(self, module, parameters, threads, background):
        self.background = Background(background, threads)
        self.work = self.fit = None
        if hasattr(module, "foreground"):
            self.foreground, self.state = module.foreground, module.prepare(parameters)
            self.fit = getattr(module, "calibrate", None)
        else:
            self.foreground, self.state = self._repeat, None
            self.work = Work(module, parameters, 1)

    def _repeat(self, state, until):
        spell = self.work.spin(0, [until])
        finish = spell.stamps[-1]
        return {
            "operations": spell.done_by(finish),
            "window": finish - spell.started,
            "checksum": self.work.expected,
        }

    def calibrate(self):
        loops = self.background.calibrate()
        if self.fit is not None:
            self.fit(self.state)
        return self.work.calibrate() if self.work else loops

    def measure(self, request, announce):
        self.background.start()
        try:
            start = now()
            if "schedule" in request:
                when = [start + offset for offset in request["schedule"]]
            else:
                when = start + request["seconds"]
            record = self.foreground(self.state, when)
        finally:
            threads = self.background.stop()
        latencies = record.get("latencies", [])
        events = len(latencies) if "latencies" in record else None
        return {
            "checksum": str(record.get("checksum", "")),
            "window": record.get("window", 0.0),
            "operations": record.get("operations", 0),
            "latencies": latencies,
            "offered": events,
            "served": events,
            "threads": threads,
        }


DRIVERS = {
    "parallel": Parallel,
    "service": Service,
    "signals": Signals,
    "inside": Inside,
    "processes": Processes,
    "subinterpreters": Subinterpreters,
    "cooperative": Cooperative,
    "releasing": Releasing,  # of no study
}
