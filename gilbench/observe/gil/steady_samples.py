"""Samples of a process's GIL for months: in constant memory, and for little CPU time.

Who holds the GIL and how many threads wait for it is read from memory, and which ones wait, from ``/proc``. Samples are
rare, so a hold is seen only if it contains two of them; its length is a lower bound. The interpreter counts how often
the GIL went to another thread. Of a free-threaded build, it is read who waits for a lock, and whether the world is
stopped.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from gilbench.interpreters.image import read_image
from gilbench.observe.gil.futex_wait import read_call, wait_of
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
        self.stood_for = 0.0  # s of all samples
        self.squares = 0.0  # of these s, each divided by the part of the threads that was looked at
        self.looked = False  # whether threads were looked at
        self.holders_known = False  # whether samples tell which thread holds a GIL
        self.held: defaultdict[int, float] = defaultdict(float)  # s in which a thread held a GIL, by tid
        self.longest: defaultdict[int, float] = defaultdict(float)  # s of the longest hold that was seen
        self.counted = self.wait = (
            0.0  # s of samples that knew how many threads wait, and s that these waited
        )
        self.waited: defaultdict[int, float] = defaultdict(float)  # of the latter, by tid, as far as known
        self.paused = 0.0  # s in which the world was stopped
        self.switches: int | None = None

    def waits(self, step: float, count: float, asleep: list[int], awake: list[int]) -> None:
        """Add the waits of a sample.

        Args:
            step: The s for which it stands.
            count: Threads that wait.
            asleep: Threads that were seen to wait.
            awake: Threads that were awake and could have waited: some have been woken up and have no CPU yet.
        """
        self.counted += step
        self.wait += count * step
        weights = dict.fromkeys(asleep, 1.0)
        if awake and count > len(asleep):
            weights |= dict.fromkeys(awake, min((count - len(asleep)) / len(awake), 1.0))
        total = sum(weights.values())
        for tid, weight in weights.items():
            self.waited[tid] += step * count * weight / total

    def error(self) -> float | None:
        """Return half of the 95% interval of a thread's share, at its widest; None: there are no samples."""
        if not self.squares:
            return None
        return _NORMAL * math.sqrt(0.25 * self.squares) / self.stood_for


class _HeldSince(NamedTuple):
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
            self._counted = self._gils.snapshot().switches
        else:
            self._memory = InterpreterMemory(python.pid, image, python.mapped)
            self._parked = ParkedThreads(self._memory)
        self._renewed = time.monotonic()
        self._hold: _HeldSince | None = None
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
        # The GIL first: the longer the sampler has occupied a CPU, the longer the program holds the GIL with one less.
        snapshot = None if self._gils is None else self._gils.snapshot()
        self.threads.refresh()
        sums, tids = self._sums, self.threads.living
        few = tids if len(tids) <= looks else self._random.sample(tids, looks)
        part = len(few) / (len(tids) or 1)
        sums.samples += 1
        sums.stood_for += step
        sums.squares += step**2 / (part or 1.0)
        sums.looked |= bool(few)
        if self._gils is not None and snapshot is not None:
            holders = self._holding.of(snapshot.holders or [])
            sums.holders_known |= snapshot.holders is not None
            self._follow(holders, snapshot.switches, step)
            others = [tid for tid in few if tid not in holders]
            asleep, awake = self._look(others, self._gils.is_ours)
            counted = snapshot.waiting is not None
            unseen = sum(not counted or self._gils.is_mutex(word) for word in asleep.values())
            if counted or few:
                sums.waits(step, (snapshot.waiting or 0) + unseen / (part or 1.0), list(asleep), awake)
        elif self._memory is not None:
            sums.paused += step * self._memory.suspended()
            asleep, _ = self._look(few, self._parked.on_lock)
            if few:
                sums.waits(step, len(asleep) / part, list(asleep), [])

    def take(self) -> SampleSums:
        """Return the sums, and begin new ones."""
        taken, self._sums = self._sums, SampleSums()
        if self._gils is not None:
            with contextlib.suppress(OSError):
                counted = self._gils.snapshot().switches
                if counted is not None and self._counted is not None:
                    taken.switches = max(counted - self._counted, 0)
                self._counted = counted
            if time.monotonic() > self._renewed + _AGAIN:
                self._holding, self._renewed = HoldingThreads(self._pid, self._gils), time.monotonic()
        return taken

    def close(self) -> None:
        """Close the files of the process."""
        self.threads.close()
        if self._gils is not None:
            self._gils.close()
        if self._memory is not None:
            self._memory.close()

    def _follow(self, holders: set[int], switches: int | None, step: float) -> None:
        """Count who holds the GIL, and for how long: until it goes to another thread, or its holder sleeps."""
        for tid in holders:
            self._sums.held[tid] += step
        before, self._hold, now = self._hold, None, time.monotonic()
        if len(holders) == 1:
            (tid,) = holders
            self._hold = _HeldSince(tid, switches, self._slept(tid), now)
            if before is not None and before[:3] == self._hold[:3]:
                self._hold = before
                self._sums.longest[tid] = max(self._sums.longest[tid], now - before.since)

    def _slept(self, tid: int) -> int:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(self.threads.read(tid, "status").partition(_VOLUNTARY)[2].split(None, 1)[0])
        return -1

    def _look(self, tids: Iterable[int], is_ours: Callable[[int], bool]) -> tuple[dict[int, int], list[int]]:
        """Return the futexes of ours on which threads sleep, by thread, and the threads that are awake."""
        asleep: dict[int, int] = {}
        awake = []
        for tid in tids:
            with contextlib.suppress(OSError, ValueError):  # it has ended
                call = read_call(self.threads.read(tid, "syscall"))
                if call is None:
                    awake.append(tid)
                elif (word := wait_of(call).word) and is_ours(word):
                    asleep[tid] = word
        return asleep, awake
