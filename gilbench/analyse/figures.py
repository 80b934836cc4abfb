"""Figures of claims and requirements: one value per block, and Student's t over blocks.

The block is the statistical unit: variation between slices, latencies, or signals of one process does not predict
variation between processes. ``simulate_claims`` measures the coverage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from gilbench.analyse.stats.estimates import MINIMUM_BLOCKS, Interval, mean_estimate


class Figure(NamedTuple):
    """A measured value with its interval. The limits are None if ``doubt`` says why there is no interval."""

    value: float
    lo: float | None
    hi: float | None
    unit: str
    doubt: str | None = None

    def inverse(self) -> Figure:
        """Return the reciprocal: the time for a speed."""
        lo, hi = (1 / end if end else None for end in (self.hi, self.lo))
        return self._replace(value=1 / self.value, lo=lo, hi=hi)


def mean_figure(values: Iterable[float], unit: str, back: Callable[[float], float] = np.exp) -> Figure:
    """Return the mean over blocks with its 95% interval; the value is NaN if that of a block is.

    Args:
        values: One value per block, on a scale on which blocks vary evenly: the log of a ratio, a time, or a fraction.
        unit: Unit of the figure, as in metrics.
        back: Increasing function from the scale of the values to the unit.
    """
    estimate = mean_estimate(list(values), scale="difference")
    reasons = {
        "too few blocks": _too_few(estimate.blocks),
        "zero variance": "all blocks have the same value",
        "values that are not finite": "the value of a block is unknown",
    }
    found = estimate.interval()
    doubt = None if estimate.doubt is None else reasons.get(estimate.doubt, estimate.doubt)
    with np.errstate(over="ignore"):  # a very wide interval is still an interval
        lo, hi = (None if end is None or doubt else float(back(end)) for end in (found.lo, found.hi))
        return Figure(float(back(found.value)), lo, hi, unit, doubt)


def fraction_figure(interval: Interval) -> Figure:
    """Return a fraction over blocks as a figure."""
    if interval.blocks < MINIMUM_BLOCKS:
        return Figure(interval.value, None, None, "fraction", _too_few(interval.blocks))
    lo, hi = (None if end is None else float(end) for end in (interval.lo, interval.hi))
    return Figure(interval.value, lo, hi, "fraction")


def _too_few(blocks: int) -> str:
    return f"too few blocks: {blocks} of at least {MINIMUM_BLOCKS}"
