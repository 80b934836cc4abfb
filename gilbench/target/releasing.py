"""A call next to a thread that counts: for how much of the call's time can another thread run Python code?

A slice repeats one of three calls: the user's, one that holds the GIL for its whole length, and one that releases it.
The two controls show what a call of that length looks like on this host: a thread that waits for the GIL also needs
time to wake up.
"""

import hashlib
import inspect
import os
import time
import zlib
from collections import deque
from itertools import repeat

import facts
from clocks import now, thread_cpu
from crew import Crew
from spinning import CHUNK, Work

_COUNT = 100  # turns of the counting loop between two looks at its end
_PROBE = 0.001  # s of a control that says how fast this processor is


class ControlCall(object):
    """A C call of about a given length in s; ``make(steps)`` makes one with that much work."""

    def __init__(self, make, length):
        steps = 1
        while self._taken(make(steps)) < _PROBE:
            steps *= 2
        call = make(steps)
        fastest = min(self._taken(call) for _ in range(3))  # whoever disturbs it makes it longer
        self.call = make(max(1, int(steps * length / fastest)))
        self.loops = max(1, int(round(CHUNK / length)))

    @staticmethod
    def _taken(call):
        began = now()
        call()
        return now() - began

    def repeat(self):
        call = self.call
        for _ in repeat(None, self.loops):
            call()


class UsersCall(object):
    """The user's own call."""

    def __init__(self, work):
        self.work = work

    @property
    def loops(self):
        return self.work.loops

    def repeat(self):
        self.work.repeat(self.work.locals[0], self.work.loops)


def holding(steps):
    return lambda: deque(repeat(None, steps), 0)


def releasing(steps):
    """Without OpenSSL, and on PyPy, pbkdf2_hmac is Python code; compressing releases the GIL everywhere."""
    if inspect.isbuiltin(getattr(hashlib, "pbkdf2_hmac", None)):
        return lambda: hashlib.pbkdf2_hmac("sha256", b"gilbench", b"control", steps)
    data = os.urandom(steps)
    return lambda: zlib.compress(data)


CONTROLS = {"hold": holding, "release": releasing}


class Releasing(object):
    """Repeats calls on one thread; in some slices, another thread counts."""

    def __init__(self, module, parameters, threads, background):
        self.work = Work(module, parameters, 1)
        self.crew = Crew(2)
        self.crew.run(lambda index: self.work.move_in(0) if index == 0 else None)
        self.calls = {"call": UsersCall(self.work)}
        self.counting = self.finished = False

    def calibrate(self):
        return self.crew.run(lambda index: self.work.calibrate() if index == 0 else None)[0]

    def measure(self, request, announce):
        """Serve a slice of ``seconds`` of the ``subject``: call, hold or release, ``beside`` a counter or alone."""
        if (
            facts.check_interval() is None
        ):  # the old GIL is released after 100 ticks, and more would starve the call
            facts.set_switch_interval(request["switch_interval"])
        subject = request["subject"]
        if subject not in self.calls:
            self.calls[subject] = ControlCall(CONTROLS[subject], request["length"])
        call, seconds, beside = self.calls[subject], request["seconds"], request["beside"]
        self.counting, self.finished = not beside, False
        jobs = [lambda: self._repeat(call, seconds), self._count if beside else lambda: None]
        record, counted = self.crew.run(lambda index: jobs[index]())
        record.update(counter=counted, pid=os.getpid(), counting_thread=self.crew.members[1].tid)
        return record

    def _repeat(self, call, seconds):
        while not self.counting:
            time.sleep(0.0001)
        try:
            meter, batches = Meter(), 0
            until = meter.began + seconds
            while True:
                call.repeat()
                batches += 1
                if now() >= until:
                    return dict(meter.read(), calls=batches * call.loops)
        finally:
            self.finished = True

    def _count(self):
        meter = Meter()
        self.counting = True
        while not self.finished:
            for _ in repeat(None, _COUNT):
                pass
        return meter.read()


class Meter(object):
    """What the calling thread did since this was made."""

    def __init__(self):
        self.queued = queued()
        self.began, self.cpu = now(), thread_cpu()

    def read(self):
        wall, cpu = now() - self.began, thread_cpu() - self.cpu
        return {"wall": wall, "cpu": cpu, "queued": queued() - self.queued}


def queued():
    """Seconds in which the calling thread was runnable and had no processor; 0 where the kernel does not say it."""
    try:
        with open("/proc/thread-self/schedstat") as counts:
            return int(counts.read().split()[1]) * 1e-9
    except (EnvironmentError, IndexError, ValueError):
        return 0.0
