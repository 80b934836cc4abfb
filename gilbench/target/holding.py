"""One C call of a given time. While it keeps the GIL, no other thread runs Python code before it returns."""

from collections import deque
from itertools import repeat

from clocks import now
from loading import Unsupported

RTLD_NOW = 2  # CPython adds it itself, IronPython does not
_PROBE = 0.002  # s of a call that says how fast this processor is


class Hold(object):
    """A call of a given length.

    ``compute`` empties an iterator in C; its length is fitted to the processor, and fitted again after each
    call, since processors drift. ``sleep`` sleeps in C with the GIL held, which is exact, and needs ctypes.
    ``release`` is the same call of the same function by one that knows of the GIL: it is released meanwhile.

    Args:
        seconds: How long.
        how: ``compute``, ``sleep`` or ``release``.
    """

    def __init__(self, seconds, how="compute"):
        self.seconds = seconds
        self.call = {"compute": self._compute, "sleep": self._sleep, "release": self._sleep}[how]
        if how != "compute":
            try:
                import ctypes

                # PyDLL keeps the GIL during the call, CDLL does not
                self.usleep = (ctypes.PyDLL if how == "sleep" else ctypes.CDLL)(None, RTLD_NOW).usleep
                self.usleep.argtypes = [ctypes.c_uint]  # Jython must be told
            except (ImportError, AttributeError, SystemError) as error:  # the last one: Mono without libdl
                raise Unsupported("ctypes of this interpreter cannot call the function: %s" % error)
        else:
            self.count = 1000
            while self._consume() < _PROBE:
                self.count *= 2
            self._fit(min(self._consume() for _ in range(3)))  # whoever disturbs it makes it longer

    def _sleep(self):
        self.usleep(int(self.seconds * 1e6))

    def _compute(self):
        taken = self._consume()
        self._fit(min(max(taken, self.seconds / 2), self.seconds * 2))

    def _consume(self):
        started = now()
        deque(repeat(None, self.count), 0)
        return now() - started

    def _fit(self, taken):
        self.count = max(1, int(self.count * self.seconds / taken))
