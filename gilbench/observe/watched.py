"""Watches one process for months: samples in a thread of its own, and what they told, by interval and group."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping

from gilbench.host.process import cpu_time
from gilbench.model.errors import UsageError
from gilbench.model.watch import Probed, WatchedGroup, WatchInterval
from gilbench.observe.gil.steady_samples import KINDS, SampleSums, SteadySamples
from gilbench.observe.group_names import GroupLabels, GroupNames
from gilbench.observe.pace import Pace
from gilbench.observe.prompt import run_promptly
from gilbench.observe.running import RunningPython
from gilbench.observe.schedstat import scheduled


class WatchedProcess:
    """Watches a running process from now on.

    Args:
        python: The process.
        labels: The groups of the program, also of its earlier processes.
        pace: Paces the samples.

    Raises:
        UsageError: The process cannot be watched.
    """

    def __init__(self, python: RunningPython, labels: GroupLabels, pace: Pace) -> None:
        self.python = python
        try:
            self._samples = SteadySamples(python)
            self._samples.threads.refresh()
        except PermissionError as error:
            raise UsageError(
                f"no permission to read the memory of process {python.pid}; run gilbench as root or as its user"
            ) from error
        except (OSError, LookupError, ValueError) as error:
            raise UsageError(f"cannot watch process {python.pid}: {error}") from error
        self._names = GroupNames(python, labels)
        self._pace = pace
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._cpu = cpu_time(python.pid)
        self._thread_cpu: dict[int, float] = {}
        self._thread_cpus()
        self._began, self._start = time.monotonic(), time.time()
        self._sampler = threading.Thread(target=self._watch, daemon=True)
        self._sampler.start()

    def take(self) -> WatchInterval:
        """Return what was seen since the last interval, without the cost of the watch, and begin a new interval."""
        with self._lock:
            sums = self._samples.take()
            living = list(self._samples.threads.living)
        now, start = time.monotonic(), self._start
        duration, self._began, self._start = now - self._began, now, time.time()
        cpu, before = cpu_time(self.python.pid), self._cpu
        self._cpu = cpu
        self._names.learn(living)
        known = _SampleShares(sums, self.python.gil_enabled)
        groups = tuple(known.groups(self._thread_cpus(), duration, self._names.of))
        return WatchInterval(
            start=start,
            duration=duration,
            pid=self.python.pid,
            python=self.python.release,
            probe=known.probe,
            samples=sums.samples,
            error=sums.error(),
            gil_held=known.share(sums.held),
            gil_wait=known.waited(),
            parked=known.parked(),
            paused=known.paused(),
            cpus=None if cpu is None or before is None else max(cpu - before, 0.0) / duration,
            longest_hold=known.longest(sums.longest),
            switches=None if sums.switches is None else sums.switches / duration,
            groups=groups,
        )

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._sampler.join()
        self._samples.close()

    def _watch(self) -> None:
        run_promptly()
        pace, moments = self._pace, random.Random()
        begun = time.thread_time()
        while True:
            step = pace.step
            if self._stop.wait(pace.debt() + moments.uniform(0.0, 2 * step)):
                return
            try:
                with self._lock:
                    self._samples.sample(step, KINDS[pace.kind])
            except OSError:  # it has ended
                return
            now = time.thread_time()
            pace.sampled(now - begun)
            begun = now

    def _thread_cpus(self) -> dict[int, float]:
        """Return the s of CPU time of each living thread since the last call."""
        now: dict[int, float] = {}
        for tid in list(self._samples.threads.living):
            with contextlib.suppress(OSError, ValueError):
                now[tid] = scheduled(self.python.pid, tid).cpu
        before, self._thread_cpu = self._thread_cpu, now
        return {tid: max(cpu - before.get(tid, 0.0), 0.0) for tid, cpu in now.items()}


class _SampleShares:
    """What samples of a process tell, as shares of the time for which they stand. None: nothing.

    Args:
        sums: The samples.
        gil: The process has a GIL.
    """

    def __init__(self, sums: SampleSums, gil: bool) -> None:
        self._sums, self._gil = sums, gil

    @property
    def probe(self) -> Probed:
        if not self._sums.samples:
            return "none"
        return "waits" if self._sums.looked else "holder"

    def share(self, held: Mapping[int, float]) -> float | None:
        """Return the share in which the GIL was held, by some threads."""
        return sum(held.values()) / self._sums.stood_for if self._sums.holders_known else None

    def waited(self, tids: Collection[int] | None = None) -> float | None:
        """Return the share in which threads waited for the GIL; ``tids``: these threads."""
        return self._waits(tids) if self._gil else None

    def parked(self, tids: Collection[int] | None = None) -> float | None:
        """Return the share in which threads waited for locks of a build without a GIL."""
        return None if self._gil else self._waits(tids)

    def paused(self) -> float | None:
        """Return the share in which the world was stopped."""
        return None if self._gil or not self._sums.samples else self._sums.paused / self._sums.stood_for

    def longest(self, longest: Mapping[int, float]) -> float | None:
        """Return the longest hold that was seen, in s."""
        return max(longest.values(), default=0.0) if self._sums.holders_known else None

    def _waits(self, tids: Collection[int] | None) -> float | None:
        sums = self._sums
        if not sums.counted or (tids is not None and not sums.looked):
            return None
        known = sum(sums.waited.values())
        part = 1.0 if tids is None or not known else sum(sums.waited.get(tid, 0.0) for tid in tids) / known
        return part * sums.wait / sums.counted

    def groups(
        self, cpu: Mapping[int, float], duration: float, group_of: Callable[[int], str]
    ) -> Iterator[WatchedGroup]:
        """Yield the groups of the threads that live, or that were seen to hold or to wait, by their names."""
        sums = self._sums
        members: defaultdict[str, set[int]] = defaultdict(set)
        for tid in {*cpu, *sums.held, *sums.waited}:
            members[group_of(tid)].add(tid)
        for name, tids in sorted(members.items()):
            yield WatchedGroup(
                name=name,
                threads=len(tids & cpu.keys()),
                gil_held=self.share({tid: sums.held[tid] for tid in tids & sums.held.keys()}),
                gil_wait=self.waited(tids),
                parked=self.parked(tids),
                cpus=sum(cpu.get(tid, 0.0) for tid in tids) / duration,
                longest_hold=self.longest({tid: sums.longest[tid] for tid in tids & sums.longest.keys()}),
            )
