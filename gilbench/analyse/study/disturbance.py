"""Tells whether other programs took CPU time from a call, by how much of the time its slices were on a CPU.

A thread that is alone uses the same share of a CPU in each slice, unless others use the CPU, too. Several threads then
lose more than one: they wait for each other while one of them waits for a CPU. On a virtual machine with 2 CPUs and a
load average of 8, a call that hashes without the GIL gained only 1.26x ±16% on 2 threads.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from gilbench.model.study import Run

_CPU_BOUND = 0.2  # least share of a CPU of a call that others can slow down much
_KEPT = 0.9  # least share of the CPU time of its best slices that a call keeps in its median slice
_BEST = 0.1  # share of the slices


def is_disturbed(runs: Iterable[Run]) -> bool:
    """Return whether other programs took CPU time from a call.

    Args:
        runs: Runs of the call on one thread.
    """
    shares = sorted(
        slice_.cpu / (slice_.end - slice_.start)
        for run in runs
        for slice_ in run.slices
        if slice_.cpu is not None and slice_.end > slice_.start
    )
    if not shares:
        return False
    best = shares[-1 - int(_BEST * len(shares))]
    return best > _CPU_BOUND and statistics.median(shares) < _KEPT * best
