"""What a main thread does while signals come in: the part ``main`` of the signal workloads.

``asleep`` in time.sleep, ``busy`` in a loop of Python code, ``join`` in Thread.join, ``lock`` in Lock.acquire,
``c_call`` in C calls of ``hold`` seconds that keep the GIL. Where join and acquire cannot be interrupted, as in
Python 2, a signal is handled when they return: the thread ends and the lock is released when the time is over.
"""

import threading
import time

import facts
from clocks import now
from holding import Hold

_PATIENCE = 2.0  # s for helping threads to end
_holds = {}


def prepare(parameters):
    """Once per process: fit the C call, where it is used."""
    if parameters["main"] == "c_call":
        _holds[parameters["hold"]] = Hold(parameters["hold"])


class Waiting(object):
    """One slice's waiting.

    Args:
        parameters: ``main``, and ``hold`` for ``c_call``.
        until: When it ends.
    """

    def __init__(self, parameters, until):
        self.until = until
        self.threads = facts.thread_count()
        self.helper = self.lock = None
        self.wait = getattr(self, "_" + parameters["main"])
        self.hold = _holds.get(parameters.get("hold"))
        if parameters["main"] == "join":
            self._start(self._asleep)
        elif parameters["main"] == "lock":
            self.lock = threading.Lock()
            self.lock.acquire()
            self._start(self._release)

    def _start(self, target):
        self.helper = threading.Thread(target=target)
        self.helper.daemon = True
        self.helper.start()

    def over(self):
        """Whether the time is over."""
        return now() >= self.until

    def finish(self):
        """Leave no thread behind; not by join, which may say too early that a thread has ended."""
        deadline = self.until + _PATIENCE
        while facts.thread_count() > self.threads and now() < deadline:
            time.sleep(0.001)

    def _asleep(self):
        while True:
            left = self.until - now()
            if left <= 0:
                return
            try:
                time.sleep(left)
            except EnvironmentError:  # Python 2: a handled signal ends the sleep
                pass

    def _busy(self):
        while not self.over():
            n = 1000
            while n > 0:
                n -= 1

    def _join(self):
        if not self.helper.is_alive():
            # From 3.8 to 3.12 a thread whose join was interrupted is held for dead: bpo-45274, gh-90882.
            self._start(self._asleep)
        self.helper.join()

    def _release(self):
        self._asleep()
        self.lock.release()

    def _lock(self):
        self.lock.acquire()

    def _c_call(self):
        while not self.over():
            self.hold.call()


def wait(parameters, until):
    """Wait, whatever handlers run meanwhile."""
    waiting = Waiting(parameters, until)
    waiting.wait()
    waiting.finish()
