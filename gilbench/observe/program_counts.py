"""What the kernel counts for a program: CPU time, context switches, and peak memory, read from outside.

Threads are read one after another, so with many threads they are read less often. Of ended threads, the latest ones are
remembered; the sums include all that were read.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

from gilbench.host.process import Program, cpu_time
from gilbench.observe.cpu import peak_memory
from gilbench.observe.running import RunningPython
from gilbench.observe.schedstat import scheduled

_WORK = 0.02  # of the time that reading threads may take
_REMEMBERED = 4096  # ended threads
_MARGIN = 1 << 20  # B by which a copy of us may have more memory than we
_SWITCHES = (b"\nvoluntary_ctxt_switches:", b"\nnonvoluntary_ctxt_switches:")


class ThreadCounts(NamedTuple):
    """The counts of one thread."""

    cpu: float = 0.0  # s
    voluntary: int = 0  # context switches
    involuntary: int = 0

    def plus(self, other: ThreadCounts) -> ThreadCounts:
        """Return the sums."""
        return ThreadCounts(
            self.cpu + other.cpu, self.voluntary + other.voluntary, self.involuntary + other.involuntary
        )

    def since(self, before: ThreadCounts) -> ThreadCounts:
        """Return what was counted since an earlier reading; of another thread of the same number: everything."""
        if self.cpu < before.cpu or self.voluntary < before.voluntary:
            return self
        return ThreadCounts(
            self.cpu - before.cpu,
            self.voluntary - before.voluntary,
            max(0, self.involuntary - before.involuntary),
        )


class ProgramCounts:
    """Counts from now on.

    Args:
        python: The process; if it is held before its exec, what it used until then is not the program's.
    """

    def __init__(self, python: RunningPython) -> None:
        self._python = python
        self._began = time.monotonic()
        self._before = cpu_time(python.pid) or 0.0
        self._first = _threads_of(python.pid)
        self._living: dict[int, ThreadCounts] = dict(self._first)
        self._ended: dict[int, ThreadCounts] = {}
        self._sum = ThreadCounts()
        self._switches: tuple[int, int] | None = None  # of the whole program
        self._next = 0.0
        self.cpu: float | None = None  # s, of the process
        self.counted = 0.0  # s in which CPU time was counted
        self.peak: int | None = None if python.held else peak_memory(python.pid)

    @property
    def switches(self) -> tuple[int, int]:
        """Voluntary and involuntary context switches of all threads."""
        if self._switches is not None:
            return self._switches
        gained = [now.since(self._first.get(tid, ThreadCounts())) for tid, now in self._living.items()]
        return (
            self._sum.voluntary + sum(one.voluntary for one in gained),
            self._sum.involuntary + sum(one.involuntary for one in gained),
        )

    def of(self, tid: int) -> ThreadCounts | None:
        """Return the counts of a thread; None: it was never read."""
        if tid in self._living:
            return self._living[tid].since(self._first.get(tid, ThreadCounts()))
        return self._ended.get(tid)

    def tick(self, *, now: bool = False) -> None:
        """Read the counts; those of threads only when it is time, or ``now``."""
        begun, used = time.monotonic(), cpu_time(self._python.pid)
        if used is None:
            return
        self.cpu, self.counted = max(0.0, used - self._before), begun - self._began
        self.peak = peak_memory(self._python.pid) or self.peak
        if not now and begun < self._next:
            return
        found = _threads_of(self._python.pid)
        for tid in self._living.keys() - found.keys():
            one = self._living[tid].since(self._first.pop(tid, ThreadCounts()))
            self._ended[tid] = one
            self._sum = self._sum.plus(one)
        for tid in list(self._ended)[: max(0, len(self._ended) - _REMEMBERED)]:
            del self._ended[tid]
        self._living = found
        self._next = begun + (time.monotonic() - begun) / _WORK

    def finish(self, program: Program | None) -> None:
        """Take what the kernel knows of a program that has ended: one of ours, and the process itself."""
        if program is None or program.pid != self._python.pid or program.rusage is None:
            self.tick(now=True)
            return
        used = program.rusage.ru_utime + program.rusage.ru_stime if self._python.children else program.cpu
        if used is not None:
            self.cpu = max(0.0, used - self._before)
        self._switches = program.rusage.ru_nvcsw, program.rusage.ru_nivcsw
        # The kernel's maximum includes what the process was before its exec: a copy of us.
        most = program.rusage.ru_maxrss * 1024
        if self._python.held and most > (peak_memory(os.getpid()) or 0) + _MARGIN:
            self.peak = most


def _threads_of(pid: int) -> dict[int, ThreadCounts]:
    """Read the counts of all threads; {} if the process has ended."""
    found = {}
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            tid = int(task.name)
            with contextlib.suppress(OSError, ValueError, IndexError):
                status = _read(f"/proc/{pid}/task/{tid}/status")
                switches = (int(status.partition(name)[2].split(None, 1)[0]) for name in _SWITCHES)
                found[tid] = ThreadCounts(scheduled(pid, tid).cpu, *switches)
    return found


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read(1 << 14)
