"""How often samples may be taken, so that a watch of months uses no more CPU time than it may.

All CPU time of the watch counts: samples, names, outputs, and the processes that it starts for them. What a calm minute
leaves is saved for a busy one, up to ``_SAVED``. Whoever used more than there was waits until time has covered it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

STEP = 0.02  # s between two samples, on average, or more, if they cost much
_ROOM = 0.8  # of what may be used, at the rate aimed at
_LEAST = 0.1  # of that, for samples if everything else costs much
_BEGIN = 5.0  # s of the allowance that there are at the beginning
_SAVED = 30.0  # s of which the allowance is saved
_RARE, _OFTEN = 0.25, 0.1  # s between two samples: a cheaper kind is taken, or the next richer kind again
_AGAIN = 60.0  # s until a richer kind is considered
_CHECK = 1.0  # s between two checks what all of the watch used
_USUAL = 2e-4  # s of a sample, until it is known
_NEW, _SLOW = 0.05, 0.1  # weights of the latest cost of a sample, and of the latest check


class Pace:
    """Paces samples of several kinds.

    Args:
        limit: CPU time that may be used, as a fraction of one CPU.
        used: Returns the s of CPU time that the whole watch has used.
        kinds: Kinds of samples, the richest first.
    """

    def __init__(self, limit: float, used: Callable[[], float], kinds: Sequence[str]) -> None:
        self._limit, self._used, self._kinds = limit, used, tuple(kinds)
        self._kind = 0
        self._costs = [_USUAL] * len(kinds)  # s of a sample of each kind
        self.paused = 0.0  # s in which no sample was taken, since the limit would have been exceeded
        self.begin()

    def begin(self) -> None:
        """Begin to count: what the watch used before, to start, does not count."""
        self._saved = self._limit * _BEGIN  # s
        self._rest = 0.0  # what else costs, as a fraction of one CPU
        self._checked, self._known = time.monotonic(), self._used()
        self._sampling = 0.0  # s that samples took since the check
        self._changed = self._checked

    @property
    def kind(self) -> str:
        """The kind of the next sample."""
        return self._kinds[self._kind]

    @property
    def step(self) -> float:
        """The s between two samples on average, for which each one stands."""
        return self._step(self._kind)

    def sampled(self, cost: float) -> None:
        """Count a sample of the current kind that took ``cost`` s of CPU time."""
        self._costs[self._kind] += _NEW * (cost - self._costs[self._kind])
        self._sampling += cost

    def debt(self) -> float:
        """Return the s for which no sample may be taken; call this before each sample."""
        now = time.monotonic()
        if (past := now - self._checked) < _CHECK and self._saved > 0:
            return 0.0
        used = self._used()
        gained, self._known, self._checked = used - self._known, used, now
        self._saved = min(self._saved + self._limit * past - gained, self._limit * _SAVED)
        if past > 0:
            self._rest += min(past * _SLOW, 1.0) * (max(gained - self._sampling, 0.0) / past - self._rest)
        self._sampling = 0.0
        self._choose(now)
        wait = max(-self._saved / self._limit, 0.0)
        self.paused += wait
        return wait

    def _step(self, kind: int) -> float:
        room = max(_ROOM * self._limit - self._rest, _LEAST * _ROOM * self._limit)
        return max(STEP, self._costs[kind] / room)

    def _choose(self, now: float) -> None:
        """Take a cheaper kind if samples became rare, and a richer one again if it could be taken often."""
        if self._step(self._kind) > _RARE and self._kind + 1 < len(self._kinds):
            self._kind += 1
        elif self._kind and now > self._changed + _AGAIN and self._step(self._kind - 1) < _OFTEN:
            self._kind -= 1
        elif now <= self._changed + 10 * _AGAIN:
            return
        else:
            self._costs[: self._kind] = [_USUAL] * self._kind  # they may have become cheaper
        self._changed = now
