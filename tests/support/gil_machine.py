"""A GIL on paper: programs of known steps, with and without it, and what a probe would have recorded of them.

A step is ``("python", ns)``, ``("native", ns)``, ``("sleep", ns)``, ``("put", name)`` or ``("get", name)``, of a
semaphore by its name. Every thread that can run has a CPU of its own.
"""

from __future__ import annotations

import heapq
import itertools
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from profiles import make_profile, make_thread

from gilbench.model.events import Events, ThreadEvent
from gilbench.model.profile import Profile

MS = 1_000_000  # ns
Step = tuple[str, int] | tuple[str, str]
MAIN = 1


class Course(NamedTuple):
    """A run of a program."""

    events: Events
    seconds: float

    def profile(self) -> Profile:
        """The profile that the exact probe would make of it."""
        length = self.events.end - self.events.begin
        shares: defaultdict[int, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
        states: dict[int, tuple[int, int]] = {}
        holders = waiters = since = 0
        contended = free = 0.0
        for stamp, tid, kind in zip(self.events.stamps, self.events.tids, self.events.kinds, strict=True):
            before, began = states.get(tid, (ThreadEvent.BLOCKED, 0))
            shares[tid][before] += (stamp - began) / length
            contended += (stamp - since) / length * bool(waiters)
            free += (stamp - since) / length * (waiters > 0 and not holders)
            holders += (kind == ThreadEvent.HELD) - (before == ThreadEvent.HELD)
            waiters += (kind == ThreadEvent.WAIT) - (before == ThreadEvent.WAIT)
            states[tid], since = (kind, stamp), stamp
        threads = (
            make_thread(
                tid,
                share[ThreadEvent.HELD],
                share[ThreadEvent.WAIT],
                off_gil=share[ThreadEvent.OFF],
                blocked=share[ThreadEvent.BLOCKED],
                alive=sum(share.values()),
            )
            for tid, share in shares.items()
        )
        profile = make_profile(*threads, duration=self.seconds)
        return msgspec.structs.replace(profile, contended=contended, free_wanted=free)


def run(
    *threads: Sequence[Step], gil: bool = True, interval: int = 5 * MS, handover: int = 0, main: bool = True
) -> Course:
    """Run threads, all at once, and a main thread that waits for their ends.

    Args:
        threads: The steps of each thread.
        gil: Whether there is a GIL.
        interval: Switch interval, ns.
        handover: ns from a release of the GIL to the acquisition of the thread that it wakes.
        main: Whether the end of the main thread is seen.
    """
    return _Machine(threads, gil=gil, interval=interval, handover=handover).run(main=main)


class _Machine:
    def __init__(self, threads: Sequence[Sequence[Step]], *, gil: bool, interval: int, handover: int) -> None:
        last: Step = ("put", "end")
        joins: list[Step] = [("get", "end")] * len(threads)
        self._steps = {MAIN: iter(joins)}
        self._steps |= {tid: iter([*steps, last]) for tid, steps in enumerate(threads, MAIN + 1)}
        self._gil, self._interval, self._handover = gil, interval, handover
        self._events: list[tuple[int, int, ThreadEvent, int]] = []
        self._todo: list[tuple[int, int, Callable[..., None], tuple[int, ...]]] = []
        self._numbers = itertools.count()
        self._now = 0
        self._holder = self._next = self._took = self._holds = 0
        self._left: dict[int, int] = {}  # ns of Python code that a thread still wants to run
        self._queue: deque[int] = deque()
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._sleepers: defaultdict[str, deque[int]] = defaultdict(deque)

    def run(self, *, main: bool) -> Course:
        for tid in self._steps:
            self._emit(tid, ThreadEvent.OFF)
        for tid in self._steps:
            self._go(tid)
        while self._todo:
            self._now, _, call, arguments = heapq.heappop(self._todo)
            call(*arguments)
        stamps, tids, kinds, by = zip(*self._events, strict=True)
        end = stamps[-1]
        events = Events(
            array("q", stamps),
            array("i", tids),
            array("b", kinds),
            array("i", by),
            begin=0,
            end=end,
            main=MAIN if main else 0,
        )
        return Course(events, end * 1e-9)

    def _emit(self, tid: int, kind: ThreadEvent, by: int = 0) -> None:
        self._events.append((self._now, tid, kind, by))

    def _later(self, after: int, call: Callable[..., None], *arguments: int) -> None:
        heapq.heappush(self._todo, (self._now + after, next(self._numbers), call, arguments))

    def _go(self, tid: int) -> None:
        """Do the next step of a thread, and those after it that take no time."""
        for kind, value in self._steps[tid]:
            if isinstance(value, str):
                if not self._meet(tid, kind, value):
                    return
            elif kind == "python" and self._gil:
                self._left[tid] = value
                self._want(tid)
                return
            else:
                self._emit(tid, ThreadEvent.BLOCKED if kind == "sleep" else ThreadEvent.OFF)
                self._later(value, self._wake if kind == "sleep" else self._go, tid)
                return
        self._emit(tid, ThreadEvent.ENDED)

    def _meet(self, tid: int, kind: str, name: str) -> bool:
        """Put or get; return whether the thread goes on."""
        if kind == "put":
            if self._sleepers[name]:
                woken = self._sleepers[name].popleft()
                self._emit(woken, ThreadEvent.READY, tid)
                self._later(0, self._go_on, woken)
            else:
                self._counts[name] += 1
        elif self._counts[name]:
            self._counts[name] -= 1
        else:
            self._emit(tid, ThreadEvent.BLOCKED)
            self._sleepers[name].append(tid)
            return False
        return True

    def _wake(self, tid: int) -> None:
        self._emit(tid, ThreadEvent.READY)
        self._go_on(tid)

    def _go_on(self, tid: int) -> None:
        self._emit(tid, ThreadEvent.OFF)
        self._go(tid)

    def _want(self, tid: int) -> None:
        if not self._holder and not self._next:
            self._take(tid)
            return
        self._emit(tid, ThreadEvent.WAIT)
        self._queue.append(tid)
        if self._holder and len(self._queue) == 1:
            self._later(self._interval, self._force, self._holds)

    def _take(self, tid: int) -> None:
        self._holder, self._next, self._took = tid, 0, self._now
        self._holds += 1
        self._emit(tid, ThreadEvent.HELD)
        self._later(self._left[tid], self._done, tid, self._holds)
        if self._queue:
            self._later(self._interval, self._force, self._holds)

    def _done(self, tid: int, hold: int) -> None:
        if hold == self._holds and self._holder == tid:
            self._drop()
            self._go(tid)

    def _force(self, hold: int) -> None:
        """A waiter has waited for a switch interval: the holder hands over, and waits."""
        tid = self._holder
        if hold == self._holds and tid:
            self._left[tid] -= self._now - self._took
            self._drop()
            self._emit(tid, ThreadEvent.WAIT)
            self._queue.append(tid)

    def _drop(self) -> None:
        self._emit(self._holder, ThreadEvent.OFF)
        self._holder = 0
        if self._queue:
            self._next = self._queue.popleft()
            self._later(self._handover, self._take, self._next)
