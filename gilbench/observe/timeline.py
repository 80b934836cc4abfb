"""Turns the lines of the exact probe into events of a timeline, in the order of time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from gilbench.program import StateChange

State = Literal["held", "wait", "off", "blocked", "ended"]
# Lines come by CPU, and a hold's line with its end: this many events are kept back to be put in order.
_KEPT = 20_000


class Recording(NamedTuple):
    """Where a timeline goes."""

    add: Callable[[Sequence[StateChange]], None]  # takes some events, each thread's in the order of time
    folder: Path  # in which there is room for events that wait to be taken


class Timeline:
    """Hears the lines of ``gil_exact.bt`` and hands on what they say.

    Args:
        add: Takes some events, each thread's in the order of time.
    """

    def __init__(self, add: Callable[[Sequence[StateChange]], None]) -> None:
        self._add = add
        self._kept: list[tuple[int, int, int, State]] = []
        self._numbers = itertools.count()

    def hear(self, line: str) -> None:
        """Take one line; those that tell of no state are passed over."""
        kind, *words = line.split()
        if kind in {"w", "d", "h", "l", "u", "o", "i", "m"}:
            tid, *stamps = map(int, words)
            if kind == "h":
                self._put(stamps[0], tid, "held")
                self._put(stamps[1], tid, "off")
            elif kind == "w":
                self._put(stamps[0], tid, "wait")
            elif kind == "d":  # inside drop_gil
                self._put(stamps[0], tid, "wait")
                self._put(stamps[1], tid, "off")
            elif kind == "l":  # kept from the CPU after a drop
                self._put(stamps[0], tid, "blocked")
                self._put(stamps[1], tid, "off")
            elif kind == "u":
                self._put(stamps[0], tid, "held")
                self._put(stamps[1], tid, "off")
            elif kind == "o":
                self._put(stamps[0], tid, "blocked")
            elif kind == "i":
                self._put(stamps[0], tid, "off")
            else:  # the program begins; lines of later events may have come before
                self._kept = [event for event in self._kept if event[0] >= stamps[0]]
                heapq.heapify(self._kept)
                self._put(stamps[0], tid, "held")
        elif kind == "x":
            self._put(int(words[2]), int(words[1]), "ended")
        if len(self._kept) > _KEPT:
            self._hand_on(_KEPT // 2)

    def close(self, last: Sequence[tuple[int, int, State]]) -> None:
        """Hand on all that is kept.

        Args:
            last: What each thread that lives was doing at the end: since when in ns, tid, state.
        """
        for stamp, tid, state in last:
            self._put(stamp, tid, state)
        self._hand_on(0)

    def _put(self, stamp: int, tid: int, state: State) -> None:
        heapq.heappush(self._kept, (stamp, next(self._numbers), tid, state))

    def _hand_on(self, keep: int) -> None:
        events = [heapq.heappop(self._kept) for _ in range(len(self._kept) - keep)]
        self._add([StateChange(stamp * 1e-9, tid, state) for stamp, _, tid, state in events])
