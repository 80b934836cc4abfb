"""Scaling with threads: fairness, start skew, and fits of Amdahl's law and the Universal Scalability Law (USL)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gilbench.model.study import Slice

if TYPE_CHECKING:
    from gilbench.analyse.stats.drift import FloatArray

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

    terms, excess = _linear(speedups, cores)
    if not np.isfinite(excess).all():
        return math.nan, math.nan, math.nan
    contention = terms[:, 0]
    alone = not contention.any()
    serial = math.nan if alone else max(0.0, float(contention @ excess / (contention @ contention)))
    (sigma, kappa), _ = nnls(terms, excess)
    return min(serial, 1.0), math.nan if alone else float(sigma), float(kappa)


def speedup_by_law(threads: float, cores: int, sigma: float, kappa: float) -> float:
    """Return the speedup that the law of ``fit_laws`` gives to some threads."""
    running = min(threads, cores)
    return running / (1 + sigma * (running - 1) + kappa * threads * (threads - 1))


class Kept(NamedTuple):
    """Logs of the throughput that one loss of the Universal Scalability Law leaves, relative to linear scaling.

    NaN: unknown.
    """

    contention: float
    coherency: float


def predicted(speedups: Mapping[int, float], cores: int) -> Kept:
    """Predict the throughput of the most threads, up to twice the cores, by the law of ``fit_laws``.

    The parameters of different hosts cannot be compared: with a GIL, the speedup is about the same on any number of
    CPUs, so kappa decreases with the square of their number. The old GIL at 0.5x on 4 threads, and 5% slower for each
    doubling, has a kappa of 0.01 on 4 CPUs, and of 0.0007 on 64. The predicted throughput is 63% and 8% of linear.

    A parameter may be negative here, since one block is a noisy sample: a bound at zero would bias the mean over
    blocks.

    Args:
        speedups: Speedup over one thread by thread count, without 1 itself; at least two counts.
        cores: CPUs of the host, at least two.
    """
    terms, excess = _linear(speedups, cores)
    if not np.isfinite(excess).all():
        return Kept(math.nan, math.nan)
    (sigma, kappa), *_ = np.linalg.lstsq(terms, excess, rcond=None)
    threads = min(2 * cores, max(speedups))
    running = min(threads, cores)
    return Kept(_log_share(float(sigma) * (running - 1)), _log_share(float(kappa) * threads * (threads - 1)))


def _log_share(loss: float) -> float:
    return -math.log1p(loss) if loss > -1 else math.nan


def _linear(speedups: Mapping[int, float], cores: int) -> tuple[FloatArray, FloatArray]:
    """Return the factors of sigma and kappa, shape (counts, 2), and their sum ``m / S - 1``."""
    counts = np.array(sorted(speedups), dtype=np.float64)
    running = np.minimum(counts, cores)
    excess = running / np.array([speedups[int(count)] for count in counts]) - 1
    return np.column_stack([running - 1, counts * (counts - 1)]), excess
