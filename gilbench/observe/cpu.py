"""What the kernel has counted for a worker, read from outside at the two ends of its timed slices."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from gilbench.model.study import Reading, Share
from gilbench.observe.schedstat import scheduled


class Counts(NamedTuple):
    """What the kernel has counted until now."""

    voluntary: dict[int, int]  # context switches by thread
    involuntary: dict[int, int]
    on_cpu: dict[int, float]  # s by thread
    calls: tuple[int, int] | None  # read and write system calls
    peak: int | None  # B


class CpuObserver:
    """Context switches, read and write calls, CPU time by thread and peak memory of a process.

    Threads that began or ended in between are counted from or to what is known of them. psutil gives
    the switches of one thread at a time (``/proc/PID/status`` holds the main thread's alone).
    """

    def __init__(self, pid: int) -> None:
        self.by: str | None = "the kernel"
        self.reason: str | None = None
        self._pid = pid
        self._before = read_counts(pid)

    def finish(self, busy_seconds: float) -> Reading:
        """Read again; rates are per second of the timed slices."""
        before, after = self._before, read_counts(self._pid)
        if not after.voluntary or busy_seconds <= 0:
            return Reading(observer="cpu", unavailable="the process had ended before it could be read")
        figures = {
            "voluntary_switches": gained(before.voluntary, after.voluntary) / busy_seconds,
            "involuntary_switches": gained(before.involuntary, after.involuntary) / busy_seconds,
        }
        if before.calls and after.calls:
            figures["read_calls"] = (after.calls[0] - before.calls[0]) / busy_seconds
            figures["write_calls"] = (after.calls[1] - before.calls[1]) / busy_seconds
        if after.peak is not None:
            figures["memory_peak"] = float(after.peak)
        used = {tid: max(0.0, seconds - before.on_cpu.get(tid, 0.0)) for tid, seconds in after.on_cpu.items()}
        return Reading(
            observer="cpu",
            figures=figures,
            threads=tuple(
                Share(name=str(tid), value=seconds / busy_seconds) for tid, seconds in sorted(used.items())
            ),
            unavailable=None if after.calls else "read and write calls: permission denied for /proc/PID/io",
        )


def read_counts(pid: int) -> Counts:
    """Read the counts of a process and of each of its threads; empty where it has ended."""
    voluntary: dict[int, int] = {}
    involuntary: dict[int, int] = {}
    on_cpu: dict[int, float] = {}
    calls: tuple[int, int] | None = None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for thread in process.threads():
            with contextlib.suppress(psutil.Error):
                switches = psutil.Process(thread.id).num_ctx_switches()
                voluntary[thread.id], involuntary[thread.id] = switches.voluntary, switches.involuntary
            on_cpu[thread.id] = _time_on_cpu(pid, thread.id, thread.user_time + thread.system_time)
        with contextlib.suppress(psutil.Error, AttributeError):  # no io_counters on macOS
            counters = process.io_counters()
            calls = (counters.read_count, counters.write_count)
    return Counts(voluntary, involuntary, on_cpu, calls, peak_memory(pid))


def gained(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """Return what the threads of ``after`` have counted since ``before``, in total."""
    # A number that a thread of before had may be another thread's now.
    return sum(max(0, count - before.get(tid, 0)) for tid, count in after.items())


def _time_on_cpu(pid: int, tid: int, ticked: float) -> float:
    """CPU seconds of a thread: from the scheduler's count if there is one, else in ticks of 10 ms."""
    try:
        return scheduled(pid, tid).cpu
    except (OSError, ValueError):
        return ticked


def peak_memory(pid: int) -> int | None:
    """Largest resident size so far; psutil knows only the present one."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
