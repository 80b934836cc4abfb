"""Scaling with threads: fairness, start skew, and fits of Amdahl's law and the Universal Scalability Law (USL)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gilbench.model.study import Slice

FEWEST_COUNTS = 3  # minimum number of thread counts for a fit


def fairness(slice_: Slice) -> float:
    """Return Jain's index of the work per thread while all were busy: 1 is even; 1/n is one thread doing all.

    Source: Jain, Chiu, and Hawe, "A quantitative measure of fairness", 1984.
    """
    done = [thread.operations for thread in slice_.threads]
    squares = sum(value * value for value in done)
    return sum(done) ** 2 / (len(done) * squares) if squares else math.nan


def start_skew(slice_: Slice) -> float:
    """Return the seconds from the first thread's start to the last thread's start."""
    starts = [thread.start for thread in slice_.threads]
    return max(starts) - min(starts)


def fit_laws(speedups: Mapping[int, float], cores: int) -> tuple[float, float, float]:
    """Fit the speedups of one block to Amdahl's law and to the Universal Scalability Law.

    ``m / S = 1 + sigma (m - 1) + kappa n (n - 1)`` for n threads on m = min(n, cores) CPUs: only running threads
    contend, but all threads need coherency. Amdahl's law is the same without kappa. The fits are non-negative least
    squares.

    Args:
        speedups: Speedup over one thread by thread count, without 1 itself.
        cores: CPUs of the host.

    Returns:
        Amdahl's serial fraction, sigma, and kappa; NaN if a speedup is unknown. On one CPU, the first two are NaN.

    Source: N. Gunther, "A general theory of computational scalability", 2008.
    """
    from scipy.optimize import nnls  # noqa: PLC0415 - scipy is slow to import

    counts = np.array(sorted(speedups), dtype=np.float64)
    running = np.minimum(counts, cores)
    excess = running / np.array([speedups[int(count)] for count in counts]) - 1
    contention, coherence = running - 1, counts * (counts - 1)
    if not np.isfinite(excess).all():
        return math.nan, math.nan, math.nan
    alone = not contention.any()
    serial = math.nan if alone else max(0.0, float(contention @ excess / (contention @ contention)))
    (sigma, kappa), _ = nnls(np.column_stack([contention, coherence]), excess)
    return min(serial, 1.0), math.nan if alone else float(sigma), float(kappa)
