"""Samples of a process's GIL from its memory, at random moments: who holds it and, where asked, who waits for it.

The holder is in two words of memory. A thread that waits for the GIL sleeps on a futex of it, which the kernel shows in
``/proc/PID/task/TID/syscall``. Both need the rights of a debugger (``ptrace``), not those of root.
"""

from __future__ import annotations

import math
import platform
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gilbench.interpreters.image import read_image
from gilbench.interpreters.layout import published_offsets
from gilbench.model.errors import UsageError
from gilbench.model.profile import Bucket, Probe, ProfiledThread
from gilbench.observe.architecture import architecture
from gilbench.observe.gil.futex_wait import futex_wait
from gilbench.observe.gil.gils import FIRST, LAST, Gils, HoldingThreads, find_gils
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.prompt import run_promptly
from gilbench.observe.running import RunningPython
from gilbench.observe.schedstat import scheduled
from gilbench.observe.thread_clocks import Lived, ThreadClocks

STEP = 0.002  # s between two samples of the GIL, on average, or more, if they cost much
_ROOM, _LEAST = (
    0.9,
    0.2,
)  # of what they may cost: at the rate aimed at, and beside another observer that costs much
_PACE = 0.25  # s between two looks what the other one has used
_LOOKS = 8  # threads that are looked at in a sample, at most
_RETRY = 0.01  # s between two attempts to find the GIL of a process that has just begun
_NORMAL = 1.96  # half of a 95% interval, in standard deviations


def why_not(python: RunningPython) -> str | None:
    """Return in one line why the GIL of a process cannot be read from its memory; None: it can."""
    if not python.gil_enabled:
        return "a free-threaded build has no GIL"
    try:
        image = read_image(python.code)
    except (OSError, ValueError) as error:
        return f"cannot read symbols: {error}"
    known = architecture()
    if known is None or not known.knows_glibc:
        return f"the address of the GIL is known on x86-64 with glibc, not on {platform.machine()}"
    if image.musl:
        return f"the address of the GIL is known with glibc, and {python.mapped} uses musl"
    if image.runtime() is None:
        return f"{python.mapped} has no symbol _PyRuntime, which contains the GIL"
    if (
        published_offsets(image) is None
        and python.version is not None
        and not FIRST <= python.version <= LAST
    ):
        return "the address of the GIL of {}.{} is unknown".format(*python.version)
    return None


class Waits(NamedTuple):
    """Waits of one thread for the GIL, seconds."""

    seconds: float
    longest: float | None = None  # None: unknown
    buckets: tuple[Bucket, ...] = ()


class GilSamples:
    """Samples one process in a thread of its own, until it is finished.

    Args:
        python: The process. One that is held is sampled as soon as its GIL exists.
        waits: Also look at the threads that wait.
        max_cost: CPU time that sampling may use, as a fraction of the time that it takes. A sample counts as much as
            the time that it stands for, so that a change of their rate shifts nothing.
        beside: Returns the s of CPU time that have been used beside the samples, of the same allowance.

    Raises:
        UsageError: The memory of the process cannot be read.
    """

    def __init__(
        self,
        python: RunningPython,
        *,
        waits: bool = False,
        max_cost: float = math.inf,
        beside: Callable[[], float] = float,
    ) -> None:
        self.gils: Gils | None = None
        self.clocks: ThreadClocks | None = None  # of the time since the GIL was found
        self.reason = "the process ended before its GIL was found"
        self._max_cost, self._beside = max_cost, beside
        self._count = 0
        self._spent = 0.0  # s of CPU time that sampling took
        self._stood_for = self._squares = 0.0  # s of all samples, and the sum of their squares
        self._holders: dict[int, float] = defaultdict(float)  # of these, in which a thread held a GIL
        self._looked: dict[int, float] = defaultdict(float)  # of these, in which a thread was looked at
        self._waiters: dict[int, float] = defaultdict(float)  # of these, in which it waited
        self._looks: Counter[int] = Counter()  # samples in which a thread was looked at
        self._waited: dict[
            int, tuple[float, float]
        ] = {}  # threads that wait: last asleep when, and time on a CPU; s
        self._python = python
        self._began = time.monotonic()
        self._waits = waits
        self._image = read_image(python.code)
        self._states: dict[int, int | None] = {}
        self._stop = threading.Event()
        if not python.held:
            try:
                self._find()
            except PermissionError as error:
                raise UsageError(f"no permission to read the memory of process {python.pid}") from error
            except (OSError, LookupError) as error:
                self.reason = str(error)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def error(self) -> float | None:
        """Return half of the 95% interval of a share, at its widest; None: there are no samples."""
        if not self._count or self.clocks is None:
            return None
        lived, duration = self.clocks.so_far(), self.clocks.duration()
        equal = (
            self._stood_for**2 / self._squares / self._count
        )  # the part of samples that would tell as much
        errors = [
            min(lived[tid].alive / duration, 1.0) * math.sqrt(0.25 / (equal * looks))
            for tid, looks in list(self._looks.items())
            if tid in lived
        ]
        return _NORMAL * max(math.sqrt(0.25 / (equal * self._count)), *errors, 0.0)

    def rate(self) -> float:
        """Return how many samples were taken per second."""
        return self._count / self.clocks.duration() if self.clocks is not None else 0.0

    def waits(self) -> dict[int, Waits]:
        """Return the waits of each thread by the samples."""
        lived = self.clocks.so_far() if self.clocks is not None else {}
        return {
            tid: Waits(lived[tid].alive * self._waiters[tid] / looked)
            for tid, looked in list(self._looked.items())
            if tid in lived
        }

    def figures(self, probe: Probe, waits: Mapping[int, Waits]) -> GilFigures:
        """Return the values of a probe.

        Args:
            probe: The probe.
            waits: What each thread waited, by the probe's own means.
        """
        lived = self.clocks.so_far() if self.clocks is not None else {}
        duration = self.clocks.duration() if self.clocks is not None else time.monotonic() - self._began
        unavailable = []
        if self.gils is None:
            unavailable.append(f"GIL held and GIL wait: {self.reason}")
        if self._python.children:
            unavailable.append("the GIL of child processes: only the process itself is probed")
        return GilFigures(
            probe=probe,
            duration=duration,
            threads=tuple(
                self._thread(tid, lived.get(tid, Lived(0.0, 0.0)), waits.get(tid, Waits(0.0)), duration)
                for tid in sorted(lived.keys() | waits.keys())
            ),
            start_up=self.clocks.started - self._began if self._python.held and self.clocks else None,
            unavailable=tuple(unavailable),
            cost=self._spent / max(duration, STEP),
        )

    def finish(self) -> None:
        """Stop sampling."""
        self._stop.set()
        self._watcher.join()
        if self.clocks is not None:
            self.clocks.finish()
        if self.gils is not None:
            self.gils.close()

    def _thread(self, tid: int, lived: Lived, waits: Waits, duration: float) -> ProfiledThread:
        alive = min(lived.alive / duration, 1.0)
        pid, name = self._python.pid, self.clocks.name(tid) if self.clocks is not None else None
        if self.gils is None:
            return ProfiledThread(pid=pid, tid=tid, name=name, alive=alive, cpu=lived.cpu)
        wait = min(waits.seconds / duration, alive)
        held = min(self._holders[tid] / self._stood_for if self._stood_for else 0.0, alive - wait)
        off = min(max(0.0, lived.cpu / duration - held), alive - wait - held)
        return ProfiledThread(
            pid=pid,
            tid=tid,
            name=name,
            alive=alive,
            gil_held=held,
            gil_wait=wait,
            off_gil=off,
            blocked=alive - wait - held - off,
            cpu=lived.cpu,
            longest_wait=waits.longest,
            waits=waits.buckets,
        )

    def _find(self) -> None:
        self.gils = find_gils(self._python.pid, self._image, self._python.mapped)

    def _watch(self) -> None:
        run_promptly()
        while self.gils is None:
            try:
                self._find()
            except (OSError, LookupError) as error:
                self.reason = str(error)
                if self._stop.wait(_RETRY):
                    return
        self.clocks = ThreadClocks(self._python.pid)
        when = random.Random()
        gils: Gils = self.gils
        begun = time.thread_time()
        holding = HoldingThreads(self._python.pid, gils)
        step, most, paced = STEP, _ROOM * self._max_cost, time.monotonic()
        while not self._stop.wait(when.uniform(0.0, 2 * step)):
            self._spent = time.thread_time() - begun
            if time.monotonic() > paced + _PACE:
                paced = time.monotonic()
                left = self._max_cost - self._beside() / (paced - self.clocks.started)
                most = _ROOM * max(left, _LEAST * self._max_cost)
            usual = self._spent / (self._count or 1) / most
            # Samples at random moments can bunch together. The next one waits until the allowance covers them.
            ahead = self._spent / most - (time.monotonic() - self.clocks.started)
            step = max(STEP, usual / 2, usual + ahead)
            try:
                holders = holding.now()
            except OSError:  # it has ended
                return
            self._count += 1
            self._stood_for += step
            self._squares += step**2
            for tid in holders:
                self._holders[tid] += step
            if self._waits:
                tids = self.clocks.living()
                for tid in tids if len(tids) <= _LOOKS else when.sample(tids, _LOOKS):
                    self._look(gils, tid, step, holds=tid in holders)

    def _look(self, gils: Gils, tid: int, step: float, *, holds: bool) -> None:
        """See whether a thread waits for the GIL, which stands for ``step`` seconds.

        A wait is interrupted after each switch interval. If no CPU is free then, the thread still waits, although it
        sleeps no longer: most of the time since, it has not run.
        """
        try:
            wait = futex_wait(self._python.pid, tid)
        except (OSError, ValueError):  # it has ended
            return
        now = time.monotonic()
        if wait is not None:
            waits = bool(wait.word) and gils.is_ours(wait.word)
        else:
            then, ran = self._waited.get(tid, (now, 0.0))
            waits = not holds and 2 * (self._ran(tid) - ran) < now - then
        if not waits:
            self._waited.pop(tid, None)
        elif wait is not None:
            self._waited[tid] = now, self._ran(tid)
        self._looks[tid] += 1
        self._looked[tid] += step
        self._waiters[tid] += waits * step

    def _ran(self, tid: int) -> float:
        """Return how long a thread has been on a CPU, in s."""
        try:
            return scheduled(self._python.pid, tid).cpu
        except (OSError, ValueError):
            return 0.0
