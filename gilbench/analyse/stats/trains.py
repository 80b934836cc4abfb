"""The ratio of two cases by the short slices of their trains.

A train has one slice of each case in every lap, within a few milliseconds. A slice whose CPU time is its length was not
interrupted by another process. If there are enough laps without interruption, only they count.

The median over laps of the log-ratios of both slices ignores other disturbances, for example by the hypervisor. It also
ignores pauses of the interpreter itself, for example of a garbage collector, if most slices have none. They belong to
its throughput. Pauses of the host fall on both sides alike, so a lasting difference between the median and the ratio of
total times is the interpreter's own.

A pause whose work another thread of the interpreter does, such as a collection in a JVM, looks like an interruption.
The ratios of such an interpreter leave it out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gilbench.analyse.stats.estimates import mean_estimate
from gilbench.model.study import Train

PAUSES = 0.005
"""Smallest difference of the two log-ratios that matters: a quarter of the usual threshold."""
INTERRUPTED = 0.01
"""A slice was interrupted if a larger fraction of it has no CPU time. All slices of operations that block are above
this fraction, so all of them count."""
ENOUGH = 0.25
"""Smallest fraction of laps without interruption that decides alone."""


class TrainRatio(NamedTuple):
    """The log-ratio of two throughputs in one train."""

    typical: float  # median over laps
    total: float  # of all operations by all time


def train_ratio(candidate: Train, reference: Train) -> TrainRatio:
    """Compare two cases of one train."""
    laps = min(len(candidate.nanoseconds), len(reference.nanoseconds))
    ours, theirs = (np.asarray(one.nanoseconds[:laps], dtype=np.float64) for one in (candidate, reference))
    whole = _uninterrupted(candidate, laps) & _uninterrupted(reference, laps)
    if whole.sum() >= ENOUGH * laps:
        ours, theirs = ours[whole], theirs[whole]
    work = math.log(candidate.loops / reference.loops)
    return TrainRatio(
        typical=work + float(np.median(np.log(theirs) - np.log(ours))),
        total=work + math.log(theirs.sum() / ours.sum()),
    )


def _uninterrupted(train: Train, laps: int) -> NDArray[np.bool_]:
    length, cpu = (
        np.asarray(values[:laps], dtype=np.float64) for values in (train.nanoseconds, train.cpu_nanoseconds)
    )
    return cpu >= (1 - INTERRUPTED) * length


def has_pauses(ratios: Sequence[TrainRatio]) -> bool:
    """Return whether the ratio of total times differs from the typical ratio, over the blocks of a study."""
    difference = mean_estimate([ratio.total - ratio.typical for ratio in ratios])
    if difference.doubt:
        return False
    interval = difference.interval()
    lo, hi = interval.lo, interval.hi
    return lo is not None and hi is not None and (lo > math.exp(PAUSES) or hi < math.exp(-PAUSES))
