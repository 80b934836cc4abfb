"""Percentiles of latency over blocks. A percentile of few values is not a mean, and errs in its own way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gilbench.analyse.estimates import (
    CONFIDENCE,
    Estimate,
    Interval,
    mean_estimate,
    student_quantile,
    unknown,
)
from gilbench.analyse.fractions import PAIRED_EVENT, fraction_error

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gilbench.analyse.drift import FloatArray


class Latencies(NamedTuple):
    """Latencies of one sample, and how many more were never served: those are counted, not written out.

    A file says in a few digits that a billion requests were lost, and reading it must not cost a billion infinities.
    """

    seen: Sequence[float]  # s, in the order of time, or ranked; infinity was never served
    lost: int = 0  # as many infinities, behind those that were seen

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.seen) + self.lost

    def first(self, count: int) -> Latencies:
        """The first ones of them."""
        seen = self.seen[:count]
        return Latencies(seen, min(self.lost, max(0, count - len(seen))))

    def ranked(self) -> Latencies:
        """The same, the smallest first."""
        return Latencies(sorted(self.seen), self.lost)

    def at(self, rank: int) -> float:
        """The one at a place, counted from 0."""
        return self.seen[rank] if rank < len(self.seen) else math.inf

    def quantile(self, share: float) -> float:
        """Smallest value that at least ``share`` of all do not exceed, as ``quantile`` finds it; NaN for none."""
        if not self.total:
            return math.nan
        return self.ranked().at(max(0, math.ceil(self.total * share - 1)))


def pool(samples: Iterable[Latencies]) -> Latencies:
    """Put samples together."""
    taken = list(samples)
    return Latencies(list(chain.from_iterable(one.seen for one in taken)), sum(one.lost for one in taken))


def quantile(values: ArrayLike, share: float) -> FloatArray:
    """Smallest value that at least ``share`` of the last axis do not exceed: one that was seen, or infinity.

    Interpolation would make NaN of the neighbours of a request that was never served.
    """
    array = np.asarray(values, dtype=np.float64)
    return np.asarray(np.quantile(array, share, axis=-1, method="inverted_cdf"))


def quantile_interval(
    latencies: Sequence[Latencies], share: float, confidence: float = CONFIDENCE
) -> Interval:
    """Estimate a percentile of one case from the pooled values of its blocks.

    The interval is Woodruff's (1952): the fraction of values below the percentile has an error that knows how
    blocks differ, and the ends of its interval are read off as percentiles. The upper limit is infinite where
    more values would be needed to see it: a hundred values do not bound their 99th percentile.

    Simulated coverage with 4 to 20 blocks of 20 to 100 values and three spreads between blocks: median and
    90th percentile 94 to 97 %, 99th percentile 95 to 98 % where it is bounded, up to 100 % where it is not.

    Args:
        latencies: For each block its own.
        share: 0 to 1, e.g. 0.99.
        confidence: Of the interval.
    """
    blocks, pooled = len(latencies), pool(latencies).ranked()
    if not pooled.total or any(map(math.isnan, pooled.seen)):
        return Interval(value=math.nan, lo=None, hi=None, blocks=blocks)
    value, total = pooled.quantile(share), pooled.total
    if blocks < 2:  # noqa: PLR2004 - one block has no spread
        return Interval(value=value, lo=None, hi=None, blocks=blocks)
    sizes = np.array([float(one.total) for one in latencies])
    below = np.array([float(_not_above(one, value)) for one in latencies])
    half = float(student_quantile(blocks - 1, confidence)) * fraction_error(below, sizes, PAIRED_EVENT)
    first, last = math.floor((share - half) * total) - 1, math.floor((share + half) * total)
    return Interval(
        value=value,
        lo=-math.inf if first < 0 else pooled.at(first),
        hi=pooled.at(last),
        blocks=blocks,
    )


def quantile_ratio(
    candidate: Sequence[Latencies],
    reference: Sequence[Latencies],
    share: float,
    *,
    correlation: float = 0.0,
) -> Estimate:
    """Estimate the ratio of a percentile between two interpreters that were measured in the same blocks.

    Each block gives the log-ratio of its own two percentiles, and these are averaged. A percentile of few
    values is biased, but two of as many values are biased alike: unchanged latencies have ratio 1, and
    latencies that all grow by a factor have that factor. Where the shapes differ, what is estimated is the
    ratio of the percentiles of *samples of this size*. Pooling the blocks first does not help: it covers 84
    to 92 % for the 99th percentile of 20 blocks of 20 to 100 values.

    Args:
        candidate: For each block its own, in the order of time.
        reference: The same blocks of the other interpreter.
        share: 0 to 1, e.g. 0.99.
        correlation: From block to block, by ``drift_correlation`` over all comparisons of the session.

    Returns:
        The estimate; in doubt where a block is missing or empty, or its percentile was never served.
    """
    if len(candidate) != len(reference):
        return unknown(min(len(candidate), len(reference)), "unequal blocks", "ratio")
    return mean_estimate(quantile_log_ratios(candidate, reference, share), correlation=correlation)


def quantile_log_ratios(
    candidate: Sequence[Latencies], reference: Sequence[Latencies], share: float
) -> list[float]:
    """Log-ratio of the percentile of each block, NaN or infinite where one of the two is not known.

    The longer of the two samples of a block is cut to the length of the other: the largest of a hundred
    values is larger than the largest of twenty.
    """
    return [
        _log_quantile(ours.first(theirs.total), share) - _log_quantile(theirs.first(ours.total), share)
        for ours, theirs in zip(candidate, reference, strict=True)
    ]


def _log_quantile(values: Latencies, share: float) -> float:
    figure = values.quantile(share)
    return math.log(figure) if figure > 0 else math.nan


def _not_above(values: Latencies, limit: float) -> int:
    return sum(value <= limit for value in values.seen) + (values.lost if limit == math.inf else 0)
