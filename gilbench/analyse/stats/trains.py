"""The ratio of two cases by the short slices of their trains.

A train has one slice of each case in every lap, within a few milliseconds. The median over laps of their log-ratios
ignores the slices that another process interrupted. It also ignores pauses of the interpreter itself, for example of a
garbage collector, if most slices have none. They belong to its throughput. Pauses of the host fall on both sides alike,
so a lasting difference between the ratio of medians and the ratio of total times is the interpreter's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gilbench.analyse.stats.estimates import mean_estimate

PAUSES = 0.005
"""Smallest difference of the two log-ratios that matters: a quarter of the usual threshold."""


class TrainRatio(NamedTuple):
    """The log-ratio of two throughputs in one train."""

    typical: float  # median over laps
    total: float  # of all operations by all time


def train_ratio(
    candidate: Sequence[int], reference: Sequence[int], operations: tuple[int, int]
) -> TrainRatio:
    """Compare two cases of one train.

    Args:
        candidate: Length of each slice in ns, by lap.
        reference: The same of the reference.
        operations: Operations in one slice of the candidate, and of the reference.
    """
    laps = min(len(candidate), len(reference))
    ours, theirs = (np.asarray(side[:laps], dtype=np.float64) for side in (candidate, reference))
    work = math.log(operations[0] / operations[1])
    return TrainRatio(
        typical=work + float(np.median(np.log(theirs) - np.log(ours))),
        total=work + math.log(theirs.sum() / ours.sum()),
    )


def has_pauses(ratios: Sequence[TrainRatio]) -> bool:
    """Return whether the ratio of total times differs from the typical ratio, over the blocks of a study."""
    difference = mean_estimate([ratio.total - ratio.typical for ratio in ratios])
    if difference.doubt:
        return False
    interval = difference.interval()
    lo, hi = interval.lo, interval.hi
    return lo is not None and hi is not None and (lo > math.exp(PAUSES) or hi < math.exp(-PAUSES))
