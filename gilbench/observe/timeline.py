"""Turns the lines of the exact probe into events of a timeline, in the order of time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from gilbench.model.profile import StateChange
from gilbench.observe.event_log import EventLog
from gilbench.observe.gil.lines import ExactLine

State = Literal["held", "wait", "off", "blocked", "ended"]
# The states of a thread from each time of a line on. A wait in take_gil ends in a hold, which has its own line.
_STATES: dict[str, tuple[State, ...]] = {
    ExactLine.HELD: ("held", "off"),
    ExactLine.FOUND: ("held", "off"),
    ExactLine.WAITED: ("wait",),
    ExactLine.HANDED: ("wait", "off"),
    ExactLine.PREEMPTED: ("blocked", "off"),
    ExactLine.BLOCKED: ("blocked",),
    ExactLine.RUNNING: ("off",),
    ExactLine.MAIN: ("held",),
}
# Lines come by CPU, and a hold's line with its end: this many events are kept back to be put in order.
_KEPT = 20_000


class Recording(NamedTuple):
    """Where the events of a program go."""

    folder: Path  # in which there is room for events that wait to be taken
    log: EventLog  # keeps them for a replay
    add: Callable[[Sequence[StateChange]], None] | None = (
        None  # takes changes, each thread's in the order of time
    )


class Timeline:
    """Sorts the events of the lines of ``exact.bt``.

    Args:
        add: Called with some events, each thread's in the order of time.
    """

    def __init__(self, add: Callable[[Sequence[StateChange]], None]) -> None:
        self._add = add
        self._kept: list[tuple[int, int, int, State]] = []
        self._numbers = itertools.count()

    def hear(self, line: str) -> None:
        """Add the events of one line, if it has any."""
        kind, *words = line.split()
        if kind in _STATES:
            tid, *stamps = map(int, words)
            if kind == ExactLine.MAIN:  # lines of later events may have come before
                self._kept = [event for event in self._kept if event[0] >= stamps[0]]
                heapq.heapify(self._kept)
            for stamp, state in zip(stamps, _STATES[kind], strict=False):
                self._put(stamp, tid, state)
        elif kind == ExactLine.EXIT:
            self._put(int(words[2]), int(words[1]), "ended")
        if len(self._kept) > _KEPT:
            self._hand_on(_KEPT // 2)

    def close(self, last: Sequence[tuple[int, int, State]]) -> None:
        """Pass on all events that are left.

        Args:
            last: The last state of each thread that is alive: since when in ns, thread, state.
        """
        for stamp, tid, state in last:
            self._put(stamp, tid, state)
        self._hand_on(0)

    def _put(self, stamp: int, tid: int, state: State) -> None:
        heapq.heappush(self._kept, (stamp, next(self._numbers), tid, state))

    def _hand_on(self, keep: int) -> None:
        events = [heapq.heappop(self._kept) for _ in range(len(self._kept) - keep)]
        self._add([StateChange(stamp * 1e-9, tid, state) for stamp, _, tid, state in events])
