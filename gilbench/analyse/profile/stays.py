"""What each thread of a recorded program did one after the other, in a form short enough for a page.

A thread is a row of numbers, one for each stay in a state: ``ticks * 8 + state``. A number has seven bits in each byte,
the lowest first, and all bytes but the last have their highest bit set. Half a million stays take 1 to 2 MB.
"""

from __future__ import annotations

from collections.abc import Iterable

from gilbench.analyse.profile.lanes import FIELDS, stays
from gilbench.model.events import Events

TICK = 100  # ns
STATES = ("held", "wait", "off", "blocked")  # fields of ``Lane``, by number
_ABSENT = len(STATES)  # the thread does not exist yet, or no longer
_NUMBERS = {event: STATES.index(field) for event, field in FIELDS.items()}


class _StayWriter:
    """Writes the stays of one thread, which come in the order of time."""

    def __init__(self) -> None:
        self.written = bytearray()
        self._state, self._since = _ABSENT, 0
        self._until = 0

    def stay(self, state: int, begin: int, end: int) -> None:
        """Add a stay from one tick to another."""
        if begin > self._until:
            self._change(_ABSENT, self._until)
        self._change(state, begin)
        self._until = end

    def finish(self) -> bytes:
        """Return everything that was written."""
        self._change(-1, self._until)
        return bytes(self.written)

    def _change(self, state: int, tick: int) -> None:
        if state == self._state:
            return
        if tick > self._since:
            self._put((tick - self._since) * 8 + self._state)
        self._state, self._since = state, tick

    def _put(self, number: int) -> None:
        while number > 0x7F:  # noqa: PLR2004 - the largest that one byte holds
            self.written.append(0x80 | number & 0x7F)
            number >>= 7
        self.written.append(number)


def written_stays(events: Events, tids: Iterable[int]) -> list[bytes]:
    """Return the stays of some threads, in their order."""
    writers = {tid: _StayWriter() for tid in tids}
    length = events.end - events.begin
    for tid, state, begin, end in stays(events):
        if tid in writers:
            since, until = (min(max(0, stamp - events.begin), length) // TICK for stamp in (begin, end))
            writers[tid].stay(_NUMBERS[state], since, until)
    return [writer.finish() for writer in writers.values()]
