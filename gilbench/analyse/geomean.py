"""The geometric mean of ratios over a family of workloads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gilbench.analyse.estimates import Estimate, mean_estimate, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence


def geometric_mean(log_ratios: Sequence[Sequence[float]], *, correlation: float = 0.0) -> Estimate:
    """Estimate the geometric mean over workloads of the ratio of two interpreters.

    The workloads are averaged inside each block and the interval is taken over blocks, so that noise which
    the workloads of a block share is counted once, not once for each. The interval speaks of these workloads:
    it says nothing of workloads that are not in the family.

    Args:
        log_ratios: For each workload one log-ratio per block; all the same blocks, in the order of time.
        correlation: From block to block, by ``drift_correlation`` over all comparisons of the session.

    Returns:
        The estimate; in doubt where a workload lacks blocks that another one has.
    """
    lengths = {len(values) for values in log_ratios}
    if len(lengths) > 1:
        return unknown(min(lengths), "unequal blocks", "ratio")
    if not log_ratios:
        return unknown(0, "too few blocks", "ratio", value=math.nan)
    per_block: list[float] = np.mean(np.asarray(log_ratios, dtype=np.float64), axis=0).tolist()
    return mean_estimate(per_block, correlation=correlation)
