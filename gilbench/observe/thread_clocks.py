"""When the threads of a process lived and how long they were on the CPU, as the scheduler counts.

The kernel forgets a thread at its end, so it is asked repeatedly. What a thread did in its last ``STEP`` seconds can be
missed, and a thread that lived for less may be missed whole; with many threads, the steps are longer.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import NamedTuple

from gilbench.observe.schedstat import scheduled

STEP = 0.05  # s between two samples
_SHARE = 0.03  # of one CPU, at most, for the samples of a process with many threads: they become rarer


class Lived(NamedTuple):
    """One thread since the start of the watch."""

    alive: float  # s
    cpu: float
    runs: int = 0  # times it was put on a CPU
    ready: float = 0.0  # s in which it waited for one


class _Sample(NamedTuple):
    """The scheduler's counts for a thread."""

    moment: float
    cpu: float = 0.0
    runs: int = 0
    ready: float = 0.0


class ThreadClocks:
    """Watches the threads of a process to ``finish``.

    Args:
        pid: The process.
        executable: Of a process that is held before its exec: what it will run, from when on it is watched.
    """

    def __init__(self, pid: int, executable: str | None = None) -> None:
        self._pid, self._folder = pid, Path(f"/proc/{pid}")
        self._awaited = executable
        self._first: dict[int, _Sample] = {}
        self._last: dict[int, _Sample] = {}
        self._living: set[int] = set()  # in the last sample
        self._names: dict[int, str] = {}
        self._new: set[int] = set()  # seen for the first time in the last sample
        self._stop = threading.Event()
        self.started = time.monotonic()
        self.ended = self.started  # when the process was last seen
        self._sample()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def duration(self) -> float:
        """Seconds in which the process was seen."""
        return max(self.ended - self.started, 1e-9)

    def name(self, tid: int) -> str | None:
        """Return the kernel's name of a thread soon after its start; None: unknown."""
        return self._names.get(tid) or None

    def living(self) -> list[int]:
        """Return the threads that lived at the last sample."""
        return list(self._living)

    def so_far(self) -> dict[int, Lived]:
        """Return what is known of each thread that was ever seen."""
        return {
            tid: Lived(
                alive=last.moment - first.moment,
                cpu=last.cpu - first.cpu,
                runs=last.runs - first.runs,
                ready=last.ready - first.ready,
            )
            for tid, last in list(self._last.items())
            for first in [self._first[tid]]
        }

    def finish(self) -> dict[int, Lived]:
        """Take a last sample and stop."""
        self._stop.set()
        self._watcher.join()
        self._sample()
        return self.so_far()

    def _watch(self) -> None:
        step = STEP
        while not self._stop.wait(step):
            before = time.thread_time()
            self._sample()
            step = max(STEP, (time.thread_time() - before) / _SHARE)

    def _sample(self) -> None:
        now = time.monotonic()
        try:
            if self._awaited is not None:
                if str((self._folder / "exe").readlink()) != self._awaited:
                    return
                self._awaited, self.started, self.ended = None, now, now
            tasks = list((self._folder / "task").iterdir())
        except OSError:
            return
        living: set[int] = set()
        for task in tasks:
            try:
                tid = int(task.name)
                counted = scheduled(self._pid, tid)
            except (OSError, ValueError):
                continue
            sample = _Sample(now, counted.cpu, counted.runs, counted.ready)
            living.add(tid)
            if tid not in self._living or tid in self._new:  # a thread is named a moment after its start
                self._names[tid] = _comm(task)
                self._new ^= {tid}
            if tid not in self._first:  # a new one began after the last sample, with no time on the CPU
                self._first[tid] = sample if self.ended == self.started else _Sample(self.ended)
            self._last[tid] = sample
            self.ended = max(self.ended, now)
        for tid in self._living - living:  # it ended somewhere between the two samples
            last = self._last[tid]
            self._last[tid] = last._replace(moment=(last.moment + now) / 2)
        self._living = living


def _comm(task: Path) -> str:
    try:
        return (task / "comm").read_text("utf-8", "replace").removesuffix("\n")
    except OSError:
        return ""
