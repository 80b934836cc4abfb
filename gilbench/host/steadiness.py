"""Measures CPU stability: a busy loop that only reads the clock notices every preemption."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

from gilbench.model.machine import Steadiness

SLICE = 5_000_000  # ns
GAP = 20_000  # ns; a longer time between two reads of the clock is a preemption, a shorter one an interrupt


def measure_cpus(seconds: float) -> Iterator[Steadiness]:
    """Measure each CPU that gilbench may use, one after another, with this thread.

    Args:
        seconds: Seconds for each CPU.
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
        first, reads = before, 0
        while before - first < SLICE:
            now = clock()
            gap = now - before
            if gap > GAP:
                taken += gap
                longest = max(longest, gap)
            before = now
            reads += 1
        speeds.append(reads / (before - first))
    return Steadiness(
        cpu=cpu,
        spread=statistics.pstdev(speeds) / statistics.fmean(speeds),
        taken=taken / (before - began),
        longest=longest * 1e-9,
    )
