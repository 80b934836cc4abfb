"""Keeps the events of the exact probe's lines in memory, for a replay."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from gilbench.model.events import Events, ThreadEvent
from gilbench.observe.gil.lines import ExactLine

MOST = 1 << 19  # events that are kept, about 9 MB
# The states of a thread from each time of a line on.
_STATES: dict[str, tuple[ThreadEvent, ...]] = {
    ExactLine.HELD: (ThreadEvent.HELD, ThreadEvent.OFF),
    ExactLine.FOUND: (ThreadEvent.HELD, ThreadEvent.OFF),
    ExactLine.WAITED: (ThreadEvent.WAIT, ThreadEvent.HELD),
    ExactLine.HANDED: (ThreadEvent.WAIT, ThreadEvent.OFF),
    ExactLine.PREEMPTED: (ThreadEvent.WAIT, ThreadEvent.OFF),
    ExactLine.RUNNING: (ThreadEvent.OFF,),
    ExactLine.RESUMED: (ThreadEvent.HELD,),
}
_LEFT_CPU = {ExactLine.BLOCKED, ExactLine.PAUSED}
_ROUSED = {ExactLine.WOKEN: ThreadEvent.READY, ExactLine.BORN: ThreadEvent.BORN}


class EventLog:
    """Collects the events of the lines of ``exact.bt``, up to a number of them.

    Args:
        most: Number of events to keep. Later ones are dropped.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._stamps, self._tids, self._by = array("q"), array("i"), array("i")
        self._kinds = array("b")

    def hear(self, line: str) -> None:
        """Add the events of one line, if it has any."""
        if len(self._stamps) >= self._most and not line.startswith(ExactLine.MAIN):
            return
        kind, *words = line.split()
        if kind in _STATES:
            tid, *stamps = map(int, words)
            for stamp, state in zip(stamps, _STATES[kind], strict=True):
                self._put(stamp, tid, state)
        elif kind in _LEFT_CPU:
            tid, stamp, runnable = map(int, words)
            self._put(stamp, tid, ThreadEvent.READY if runnable else ThreadEvent.BLOCKED)
        elif kind in _ROUSED:
            tid, stamp, by = map(int, words)
            self._put(stamp, tid, _ROUSED[ExactLine(kind)], by)
        elif kind == ExactLine.EXIT:
            self._put(int(words[2]), int(words[1]), ThreadEvent.ENDED)
        elif kind == ExactLine.MAIN:
            tid, stamp = map(int, words)
            self._forget(stamp)
            self._put(stamp, tid, ThreadEvent.HELD)

    def finish(self, begin: int, end: int, main: int, last: Sequence[tuple[int, int, ThreadEvent]]) -> Events:
        """Give all events that were kept, in the order of time.

        Args:
            begin: When the profile began, ns.
            end: When it ended, ns.
            main: Tid of the main thread.
            last: The last state of each thread that is alive, which no line tells: since when in ns, thread, state.
        """
        truncated = len(self._stamps) >= self._most
        for stamp, tid, state in () if truncated else last:
            self._put(stamp, tid, state)
        self._keep(sorted(range(len(self._stamps)), key=self._stamps.__getitem__))
        if truncated:
            end = min(end, self._stamps[-1])
        return Events(
            # A thread that was found holding the GIL has held it since before the profile.
            stamps=array("q", (min(max(stamp, begin), end) for stamp in self._stamps)),
            tids=self._tids,
            kinds=self._kinds,
            by=self._by,
            begin=begin,
            end=end,
            main=main,
            truncated=truncated,
        )

    def _put(self, stamp: int, tid: int, kind: ThreadEvent, by: int = 0) -> None:
        self._stamps.append(stamp)
        self._tids.append(tid)
        self._kinds.append(kind)
        self._by.append(by)

    def _forget(self, before: int) -> None:
        """Drop what happened before a moment; lines of later events may have come earlier."""
        self._keep([index for index, stamp in enumerate(self._stamps) if stamp >= before])

    def _keep(self, indexes: Sequence[int]) -> None:
        """Keep these events, in this order."""
        self._stamps, self._tids, self._kinds, self._by = (
            array(values.typecode, map(values.__getitem__, indexes))
            for values in (self._stamps, self._tids, self._kinds, self._by)
        )
