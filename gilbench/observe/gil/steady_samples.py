"""Samples of a process's GIL for months: in constant memory, and for little CPU time.

As in ``samples.py``, who holds the GIL is read from memory, and who waits for it from ``/proc``. Samples are rare, so
a hold is seen only if it contains two of them; its length is a lower bound. The interpreter counts how often the GIL
went to another thread. Of a free-threaded build, it is read who waits for a lock, and whether the world is stopped.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections import defaultdict
from typing import NamedTuple

from gilbench.interpreters.image import read_image
from gilbench.observe.gil.futex_wait import RUNNING, read_call, wait_of
from gilbench.observe.gil.gils import Gils, HoldingThreads, find_gils
from gilbench.observe.gil.interpreter_memory import InterpreterMemory
from gilbench.observe.gil.parked import ParkedThreads
from gilbench.observe.running import RunningPython
from gilbench.observe.thread_files import ThreadFiles

KINDS = {"waits": 16, "few waits": 4, "holder": 0}  # threads that a sample looks at, at most
_NORMAL = 1.96  # half of a 95% interval, in standard deviations
_VOLUNTARY = b"\nvoluntary_ctxt_switches:"
_AGAIN = 60.0  # s after which the threads of thread states are looked up anew


class SampleSums:
    """What samples told since the sums were taken the last time. All s are those for which the samples stand."""

    def __init__(self) -> None:
        self.samples = 0
        self.stood_for = self.squares = (
            0.0  # s of all samples; their squares, each divided by the part of looks
        )
        self.looked = 0.0  # s of the samples that looked at threads
        self.held: defaultdict[int, float] = defaultdict(float)  # s in which a thread held a GIL, by tid
        self.waited: defaultdict[int, float] = defaultdict(float)  # s in which it waited
        self.longest: defaultdict[int, float] = defaultdict(float)  # s of the longest hold that was seen
        self.paused = 0.0  # s in which the world was stopped
        self.switches: int | None = None

    def error(self) -> float | None:
        """Return half of the 95% interval of a thread's share, at its widest; None: there are no samples."""
        if not self.squares:
            return None
        return _NORMAL * math.sqrt(0.25 * self.squares) / self.stood_for


class _Hold(NamedTuple):
    """A hold of the GIL that was seen in the last sample."""

    tid: int
    switches: int | None
    slept: int  # times the thread left the CPU to sleep
    since: float


class SteadySamples:
    """Samples one running process.

    Args:
        python: The process.

    Raises:
        OSError: Its memory cannot be read.
        LookupError: It has no GIL yet, or none that can be found.
    """

    def __init__(self, python: RunningPython) -> None:
        self._pid = python.pid
        self.threads = ThreadFiles(python.pid)
        self._gils: Gils | None = None
        self._memory: InterpreterMemory | None = None  # of a free-threaded build without its GIL
        image = read_image(python.code)
        if python.gil_enabled:
            self._gils = find_gils(python.pid, image, python.mapped)
            self._holding = HoldingThreads(python.pid, self._gils)
            self._counted = self._gils.switches()
        else:
            self._memory = InterpreterMemory(python.pid, image, python.mapped)
            self._parked = ParkedThreads(self._memory)
        self._renewed = time.monotonic()
        self._hold: _Hold | None = None
        self._asleep: dict[int, tuple[float, float]] = {}  # threads that wait: when, and time on a CPU; s
        self._random = random.Random()
        self._sums = SampleSums()

    def sample(self, step: float, looks: int) -> None:
        """Take a sample.

        Args:
            step: The s for which it stands.
            looks: Threads to look at, at most.

        Raises:
            OSError: The process has ended.
        """
        self.threads.refresh()
        sums, tids = self._sums, self.threads.living
        holders: set[int] = set()
        if self._gils is not None:
            holders = self._holders(self._gils, sums, step)
        elif self._memory is not None and self._memory.suspended():
            sums.paused += step
        sums.samples += 1
        sums.stood_for += step
        few = tids if len(tids) <= looks else self._random.sample(tids, looks)
        part = len(few) / (len(tids) or 1)
        sums.squares += step**2 / (part or 1.0)
        if few:
            sums.looked += step
        for tid in few:
            with contextlib.suppress(OSError, ValueError):  # it has ended
                if self._waits(tid, self.threads.read(tid, "syscall"), holds=tid in holders):
                    sums.waited[tid] += step / part

    def take(self) -> SampleSums:
        """Return the sums, and begin new ones."""
        taken, self._sums = self._sums, SampleSums()
        if self._gils is not None:
            with contextlib.suppress(OSError):
                counted = self._gils.switches()
                if counted is not None and self._counted is not None:
                    taken.switches = max(counted - self._counted, 0)
                self._counted = counted
            if time.monotonic() > self._renewed + _AGAIN:
                self._holding, self._renewed = HoldingThreads(self._pid, self._gils), time.monotonic()
        for tid in self._asleep.keys() - set(self.threads.living):
            self._asleep.pop(tid, None)
        return taken

    def close(self) -> None:
        """Close the files of the process."""
        self.threads.close()
        if self._gils is not None:
            self._gils.close()
        if self._memory is not None:
            self._memory.close()

    def _holders(self, gils: Gils, sums: SampleSums, step: float) -> set[int]:
        holders = self._holding.now()
        for tid in holders:
            sums.held[tid] += step
        if len(holders) != 1:
            self._hold = None
            return holders
        (tid,), before, now = holders, self._hold, time.monotonic()
        hold = _Hold(tid, gils.switches(), self._slept(tid), now)
        if before is not None and before[:3] == hold[:3]:
            hold = hold._replace(since=before.since)
            sums.longest[tid] = max(sums.longest[tid], now - hold.since)
        self._hold = hold
        return holders

    def _slept(self, tid: int) -> int:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(self.threads.read(tid, "status").partition(_VOLUNTARY)[2].split(None, 1)[0])
        return -1

    def _waits(self, tid: int, shown: bytes, *, holds: bool) -> bool:
        """Return whether a thread waits for the GIL, or in a build without one, for a lock.

        A wait for the GIL is interrupted after each switch interval. If no CPU is free then, the thread still waits,
        although it sleeps no longer: most of the time since, it has not run.

        Args:
            tid: The thread.
            shown: Its file ``syscall``.
            holds: It holds the GIL.
        """
        if shown.startswith(RUNNING):
            then, ran = self._asleep.get(tid, (0.0, 0.0))
            waits = not holds and then > 0 and 2 * (self._ran(tid) - ran) < time.monotonic() - then
        else:
            word = wait_of(call).word if (call := read_call(shown)) is not None else 0
            if self._gils is None:
                return bool(word) and self._parked.on_lock(word)
            waits = bool(word) and self._gils.is_ours(word)
            if waits:
                self._asleep[tid] = time.monotonic(), self._ran(tid)
        if not waits:
            self._asleep.pop(tid, None)
        return waits

    def _ran(self, tid: int) -> float:
        """Return how long a thread has been on a CPU, in s."""
        return int(self.threads.read(tid, "schedstat").split(None, 1)[0]) * 1e-9
