"""The replay of a recorded program without a GIL, on any number of CPUs.

The events of each thread become a list of steps. A thread computes as long as it did; waits for the GIL are left out.
A thread that blocked goes on as it did:

- If a thread of the program woke it, it goes on when that thread has come to the same point of its own work: a lock,
  a queue, an event, a join, a pipe. If that point is reached first, the thread does not block at all.
- If nothing of the program woke it, it goes on after the same time: a timer, a disk, another process.

A new thread begins where its creator had come to. Threads that compute share the CPUs equally. A thread that had no CPU
waits for one as it must in the replay. If the program left a CPU free, though, waking up took that long, or another
program had that CPU: the delay stays. Delays of threads that held the GIL came one after the other, so they become time
on a CPU.

What a replay does not know: locks that nobody waited for because the GIL let only one thread run at a time, loops that
poll until something has happened, caches and memory that CPUs share, and work that moves to another thread if that one
is sooner there.

Compared with ``--verify`` on the ten programs of ``ci/bench_whatif.py`` (3.13.5 and 3.13.5t, two CPUs), replays were 4%
too low to 17% too high; nine of the ten were within 15%.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from gilbench.model.events import Events, ThreadEvent
from gilbench.model.profile import Replayed

CPUS = (2, 4, 8, 16, 64)
# Steps: the last two have the number of a wake-up, the others ns.
_PYTHON, _NATIVE, _SLEEP, _AWAIT, _SIGNAL = range(5)
_RUNNING = {ThreadEvent.HELD: _PYTHON, ThreadEvent.OFF: _NATIVE}
_DELAYED = {ThreadEvent.READY, ThreadEvent.BORN}


def speedups(events: Events, cpus: int, *, start_up: float, cost: float) -> tuple[Replayed, ...]:
    """Replay a program on ``CPUS`` and on as many CPUs as the host has.

    Args:
        events: What happened.
        cpus: CPUs of the host that recorded it.
        start_up: Seconds of startup before the first event, which has one thread.
        cost: Time of Python code on the free-threaded build / on this build.
    """
    program = program_of(events, cpus)
    points = ((count, start_up * cost + replay(program, count, cost=cost)) for count in sorted({*CPUS, cpus}))
    whole = start_up + program.seconds
    return tuple(Replayed(cores=count, speedup=whole / seconds) for count, seconds in points if seconds)


class Replayable(NamedTuple):
    """The steps of all threads, by numbers of threads."""

    steps: tuple[_ThreadSteps, ...]
    main: int | None  # the thread whose end is the program's; None: its end was not recorded
    wakes: int
    seconds: float  # that the recorded program took


class _ThreadSteps:
    """What one thread does, one step after the other."""

    def __init__(self) -> None:
        self.kinds, self.values = array("b"), array("q")

    def add(self, kind: int, value: int) -> None:
        if kind in {_AWAIT, _SIGNAL}:
            pass
        elif value <= 0:
            return
        elif self.kinds and self.kinds[-1] == kind:
            self.values[-1] += value
            return
        self.kinds.append(kind)
        self.values.append(value)


class _Recorded:
    """A thread while its events are read."""

    def __init__(self, state: ThreadEvent, since: int) -> None:
        self.steps = _ThreadSteps()
        self.state, self.since = state, since
        self.delay: int | None = None  # the step that it makes of being READY; None: none

    def spend(self, now: int) -> None:
        """Make a step of the time in which the thread has run until now."""
        kind = _RUNNING.get(self.state)
        if kind is not None:
            self.steps.add(kind, now - self.since)
            self.since = now

    def leave(self, now: int) -> None:
        """Make a step of the state that ends now."""
        self.spend(now)
        if self.state == ThreadEvent.BLOCKED:
            self.steps.add(_SLEEP, now - self.since)
        elif self.delay is not None:
            self.steps.add(self.delay, now - self.since)


def program_of(events: Events, cpus: int) -> Replayable:
    """Turn events into the steps of threads.

    Args:
        events: What happened.
        cpus: CPUs of the host that recorded it.
    """
    alive: dict[int, _Recorded] = {}
    threads: list[_Recorded] = []
    main: int | None = None
    end, wakes, running = events.end, 0, 0

    def begin(tid: int, state: ThreadEvent, since: int) -> _Recorded:
        alive[tid] = _Recorded(state, since)
        threads.append(alive[tid])
        return alive[tid]

    for stamp, tid, number, by in zip(events.stamps, events.tids, events.kinds, events.by, strict=True):
        kind = ThreadEvent(number)
        thread = alive.get(tid)
        if thread is None or kind == ThreadEvent.BORN:
            if kind == ThreadEvent.ENDED:
                continue
            # A thread that was there before the profile and has no earlier event slept, or went on computing.
            before = ThreadEvent.OFF if kind == ThreadEvent.WAIT else ThreadEvent.BLOCKED
            thread = begin(tid, before, events.begin)
            running += before in _RUNNING
        if kind == thread.state:
            continue
        waker = alive.get(by) if by != tid and thread.state == ThreadEvent.BLOCKED else None
        if waker is not None:
            waker.spend(stamp)
            waker.steps.add(_SIGNAL, wakes)
            thread.steps.add(_AWAIT, wakes)
            wakes += 1
        else:
            thread.leave(stamp)
        running += (kind in _RUNNING) - (thread.state in _RUNNING)
        thread.delay = None
        if kind in _DELAYED and running < cpus:
            thread.delay = _NATIVE if thread.state == ThreadEvent.HELD else _SLEEP
        thread.state, thread.since = kind, stamp
        if kind == ThreadEvent.ENDED:
            del alive[tid]
            if tid == events.main:
                main, end = threads.index(thread), stamp
                break
    for thread in alive.values():
        thread.spend(end)
    return Replayable(tuple(thread.steps for thread in threads), main, wakes, (end - events.begin) * 1e-9)


def replay(program: Replayable, cpus: int, *, cost: float = 1.0) -> float:
    """Return the seconds that a program takes without a GIL.

    Args:
        program: The steps of its threads.
        cpus: Number of CPUs.
        cost: Time of Python code on the free-threaded build / on this build.
    """
    return _FairCpus(program, cpus, cost).run()


class _FairCpus:
    """CPUs that all running threads share equally.

    All running threads advance at the same speed. ``_done`` is the CPU time that each of them has had since the start,
    so a thread that needs ``d`` more seconds is ready as soon as ``_done`` has grown by ``d``.
    """

    def __init__(self, program: Replayable, cpus: int, cost: float) -> None:
        self._steps, self._main, self._cpus = program.steps, program.main, cpus
        self._costs = {_PYTHON: cost, _NATIVE: 1.0}
        self._next = [0] * len(program.steps)  # the next step of each thread
        self._woken = bytearray(program.wakes)
        self._waiting: dict[int, int] = {}  # wake-up -> the thread that waits for it
        self._running: list[tuple[float, int]] = []  # heap of (``_done`` at which its step ends, thread)
        self._asleep: list[tuple[float, int]] = []  # heap of (moment at which it goes on, thread)
        self._now = self._done = 0.0  # ns
        self._ended = False

    def run(self) -> float:
        self._advance(range(len(self._steps)))
        while (self._running or self._asleep) and not self._ended:
            speed = min(1.0, self._cpus / len(self._running)) if self._running else 0.0
            ready = self._now + (self._running[0][0] - self._done) / speed if self._running else float("inf")
            if self._asleep and self._asleep[0][0] <= ready:
                moment, thread = heapq.heappop(self._asleep)
                self._done += (moment - self._now) * speed
            else:
                moment = ready
                self._done, thread = heapq.heappop(self._running)
            self._now = moment
            self._advance((thread,))
        return self._now * 1e-9

    def _advance(self, threads: Sequence[int]) -> None:
        """Let threads go on to their next step that takes time."""
        todo = list(reversed(threads))
        while todo:
            thread = todo.pop()
            kinds, values = self._steps[thread].kinds, self._steps[thread].values
            step, last, demand = self._next[thread], len(kinds), 0.0
            while step < last:
                kind, value = kinds[step], values[step]
                if kind <= _NATIVE:
                    demand += value * self._costs[kind]
                elif demand:
                    break
                elif kind == _SLEEP:
                    heapq.heappush(self._asleep, (self._now + value, thread))
                    step += 1
                    break
                elif kind == _SIGNAL:
                    self._woken[value] = 1
                    if value in self._waiting:
                        todo.append(self._waiting.pop(value))
                elif not self._woken[value]:
                    self._waiting[value] = thread
                    step += 1
                    break
                step += 1
            else:
                self._ended |= thread == self._main and not demand
            if demand:
                heapq.heappush(self._running, (self._done + demand, thread))
            self._next[thread] = step
