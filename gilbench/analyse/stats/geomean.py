"""Estimates the geometric mean of ratios over a family of workloads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gilbench.analyse.stats.estimates import Estimate, mean_estimate, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence


def geometric_mean(log_ratios: Sequence[Sequence[float]], *, correlation: float = 0.0) -> Estimate:
    """Estimate the geometric mean over workloads of the ratio of two interpreters.

    The workloads are averaged within each block, and the interval is computed over blocks. Noise that the workloads of
    a block share is therefore counted only once. The interval applies to these workloads, not to others.

    Args:
        log_ratios: For each workload, one log-ratio per block; the same blocks for all, in the order of time.
        correlation: Between blocks, by ``drift_correlation`` over all comparisons of the session.

    Returns:
        The estimate; in doubt if the workloads have different numbers of blocks.
    """
    lengths = {len(values) for values in log_ratios}
    if len(lengths) > 1:
        return unknown(min(lengths), "unequal blocks", "ratio")
    if not log_ratios:
        return unknown(0, "too few blocks", "ratio", value=math.nan)
    per_block: list[float] = np.mean(np.asarray(log_ratios, dtype=np.float64), axis=0).tolist()
    return mean_estimate(per_block, correlation=correlation)
