"""How throughput grows with threads: fairness, skew, and the laws of Amdahl and Gunther fitted to it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gilbench.model import Slice

FEWEST_COUNTS = 3  # thread counts for a fit


def fairness(piece: Slice) -> float:
    """Jain's index of what each thread did while all were busy: 1 is even, 1/n is one thread doing it all.

    Source: Jain, Chiu and Hawe, "A quantitative measure of fairness", 1984.
    """
    done = [thread.operations for thread in piece.threads]
    squares = sum(value * value for value in done)
    return sum(done) ** 2 / (len(done) * squares) if squares else math.nan


def start_skew(piece: Slice) -> float:
    """Seconds from the first thread's first instruction to the last one's."""
    starts = [thread.start for thread in piece.threads]
    return max(starts) - min(starts)


def fit_laws(speedups: Mapping[int, float], cores: int) -> tuple[float, float, float]:
    """Fit one block's speed-ups to Amdahl's law and to the Universal Scalability Law.

    ``m / S = 1 + sigma (m - 1) + kappa n (n - 1)`` for n threads on m = min(n, cores) processors: only threads that
    run at the same time contend, all of them have to agree. Amdahl's law is the same without kappa. Least squares,
    neither part below zero.

    Args:
        speedups: Speed-up to one thread by thread count, without 1 itself.
        cores: Processors of the host.

    Returns:
        Amdahl's serial part, sigma and kappa; NaN where a speed-up is not known, and the first two on one processor.

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
