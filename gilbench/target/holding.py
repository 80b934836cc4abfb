"""One C call that keeps the GIL for a given time: no other thread runs Python code before it returns."""

from collections import deque
from itertools import repeat

from clocks import now

_PROBE = 0.002  # s of a call that says how fast this processor is


class Hold(object):
    """A call of a given length.

    ``compute`` empties an iterator in C; its length is fitted to the processor, and fitted again after each
    call, since processors drift. ``sleep`` sleeps in C with the GIL held, which is exact, and needs ctypes.

    Args:
        seconds: How long.
        how: ``compute`` or ``sleep``.
    """

    def __init__(self, seconds, how="compute"):
        self.seconds = seconds
        self.call = {"compute": self._compute, "sleep": self._sleep}[how]
        if how == "sleep":
            import ctypes

            self.usleep = ctypes.PyDLL(None).usleep  # PyDLL, not CDLL: it keeps the GIL during the call
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
