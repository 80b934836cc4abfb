"""How steadily each CPU runs: a loop that does nothing but look at the clock sees whatever else takes its time."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

from gilbench.machine import Steadiness

PIECE = 5_000_000  # ns, as long as a slice that is interleaved
GAP = 20_000  # ns between two looks from which on something else ran; an interrupt takes less


def measure_cpus(seconds: float) -> Iterator[Steadiness]:
    """Measure one CPU after the other, each of those that we may use, with this thread.

    Args:
        seconds: For each.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    allowed = os.sched_getaffinity(0)
    try:
        for cpu in sorted(allowed):
            os.sched_setaffinity(0, {cpu})
            yield _measure(cpu, round(seconds * 1e9))
    finally:
        os.sched_setaffinity(0, allowed)


def _measure(cpu: int, duration: int) -> Steadiness:
    clock = time.perf_counter_ns
    speeds: list[float] = []
    taken = longest = 0
    began = before = clock()
    while before - began < duration:
        first, looks = before, 0
        while before - first < PIECE:
            now = clock()
            gap = now - before
            if gap > GAP:
                taken += gap
                longest = max(longest, gap)
            before = now
            looks += 1
        speeds.append(looks / (before - first))
    return Steadiness(
        cpu=cpu,
        spread=statistics.pstdev(speeds) / statistics.fmean(speeds),
        taken=taken / (before - began),
        longest=longest * 1e-9,
    )
