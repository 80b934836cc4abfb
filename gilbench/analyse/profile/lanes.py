"""Lanes: what the threads of a recorded program did over time, in equal pieces of it."""

from __future__ import annotations

from collections.abc import Iterator

from gilbench.model.events import Events, ThreadEvent
from gilbench.model.profile import Lane, Lanes

PIECES = 200
THREADS = 16
_DIGITS = 3  # of a share
FIELDS = {  # of a lane, by what a thread does
    ThreadEvent.HELD: "held",
    ThreadEvent.WAIT: "wait",
    ThreadEvent.OFF: "off",
    ThreadEvent.BLOCKED: "blocked",
    ThreadEvent.READY: "blocked",
    ThreadEvent.BORN: "blocked",
}
_OFF_CPU = {ThreadEvent.BLOCKED, ThreadEvent.READY}


class _Pieces:
    """The time of one thread in each state and piece."""

    def __init__(self) -> None:
        self.times = {field: [0.0] * PIECES for field in ("held", "wait", "off", "blocked")}

    def add(self, state: ThreadEvent, begin: float, end: float) -> None:
        """Add a state; begin and end are in pieces."""
        times = self.times[FIELDS[state]]
        last = min(int(end), PIECES - 1)
        for piece in range(int(begin), last + 1):
            times[piece] += min(end, piece + 1) - max(begin, piece)

    @property
    def wanted(self) -> float:
        """The pieces in which the thread held the GIL or waited for it."""
        return sum(self.times["held"]) + sum(self.times["wait"])


def lanes_of(events: Events) -> Lanes | None:
    """Return what the threads did; None: nothing was recorded."""
    length = events.end - events.begin
    if length <= 0:
        return None
    threads: dict[int, _Pieces] = {}
    for tid, state, begin, end in stays(events):
        since, until = (min(max(0, stamp - events.begin), length) for stamp in (begin, end))
        if until > since:
            pieces = threads.setdefault(tid, _Pieces())
            pieces.add(state, since / length * PIECES, until / length * PIECES)
    shown = sorted(threads, key=lambda tid: -threads[tid].wanted)[:THREADS]
    return Lanes(
        seconds=length * 1e-9,
        threads=tuple(_lane(tid, threads[tid]) for tid in shown if threads[tid].wanted),
    )


def stays(events: Events) -> Iterator[tuple[int, ThreadEvent, int, int]]:
    """Yield thread, state, begin, and end for each time in which a thread stayed in a state.

    A thread that holds the GIL does so until it is OFF, on the CPU or not.
    """
    states: dict[int, tuple[ThreadEvent, int]] = {}
    ended: set[int] = set()
    for stamp, tid, number in zip(events.stamps, events.tids, events.kinds, strict=True):
        kind = ThreadEvent(number)
        if tid in ended and kind != ThreadEvent.BORN:  # it leaves the CPU for the last time
            continue
        ended.discard(tid)
        if tid in states:
            state, since = states[tid]
            if state == ThreadEvent.HELD and kind in _OFF_CPU:
                continue
            yield tid, state, since, stamp
        elif kind not in {ThreadEvent.BORN, ThreadEvent.ENDED}:
            # A thread that was there before computed before it waited, and slept before anything else.
            before = ThreadEvent.OFF if kind == ThreadEvent.WAIT else ThreadEvent.BLOCKED
            yield tid, before, events.begin, stamp
        if kind == ThreadEvent.ENDED:
            states.pop(tid, None)
            ended.add(tid)
        else:
            states[tid] = kind, stamp
    for tid, (state, since) in states.items():
        yield tid, state, since, events.end


def _lane(tid: int, pieces: _Pieces) -> Lane:
    shares = {
        field: tuple(round(min(1.0, time), _DIGITS) for time in times)
        for field, times in pieces.times.items()
    }
    return Lane(tid=tid, **shares)
