"""Percentiles of latency over blocks. A percentile of few values is not a mean, and errs in its own way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

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
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from gilbench.analyse.drift import FloatArray


def quantile(values: ArrayLike, share: float) -> FloatArray:
    """Smallest value that at least ``share`` of the last axis do not exceed: one that was seen, or infinity.

    Interpolation would make NaN of the neighbours of a request that was never served.
    """
    array = np.asarray(values, dtype=np.float64)
    return np.asarray(np.quantile(array, share, axis=-1, method="inverted_cdf"))


def quantile_interval(
    latencies: Sequence[Sequence[float]], share: float, confidence: float = CONFIDENCE
) -> Interval:
    """Estimate a percentile of one case from the pooled values of its blocks.

    The interval is Woodruff's (1952): the fraction of values below the percentile has an error that knows how
    blocks differ, and the ends of its interval are read off as percentiles. The upper limit is infinite where
    more values would be needed to see it: a hundred values do not bound their 99th percentile.

    Simulated coverage with 4 to 20 blocks of 20 to 100 values and three spreads between blocks: median and
    90th percentile 94 to 97 %, 99th percentile 95 to 98 % where it is bounded, up to 100 % where it is not.

    Args:
        latencies: For each block its latencies in s, infinity for what was never served.
        share: 0 to 1, e.g. 0.99.
        confidence: Of the interval.
    """
    arrays = [np.asarray(values, dtype=np.float64) for values in latencies]
    blocks, total = len(arrays), sum(values.size for values in arrays)
    pooled = np.sort(np.concatenate(arrays)) if arrays else np.empty(0)
    if not total or np.isnan(pooled).any():
        return Interval(value=math.nan, lo=None, hi=None, blocks=blocks)
    value = float(quantile(pooled, share))
    if blocks < 2:  # noqa: PLR2004 - one block has no spread
        return Interval(value=value, lo=None, hi=None, blocks=blocks)
    below = np.array([float((values <= value).sum()) for values in arrays])
    sizes = np.array([float(values.size) for values in arrays])
    half = float(student_quantile(blocks - 1, confidence)) * fraction_error(below, sizes, PAIRED_EVENT)
    ranked = np.concatenate([[-math.inf], pooled, [math.inf]])
    return Interval(
        value=value,
        lo=float(ranked[max(0, math.floor((share - half) * total))]),
        hi=float(ranked[min(total, math.floor((share + half) * total)) + 1]),
        blocks=blocks,
    )


def quantile_ratio(
    candidate: Sequence[Sequence[float]],
    reference: Sequence[Sequence[float]],
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
        candidate: For each block its latencies in s, in the order of time; infinity was never served.
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
    candidate: Sequence[Sequence[float]], reference: Sequence[Sequence[float]], share: float
) -> list[float]:
    """Log-ratio of the percentile of each block, NaN or infinite where one of the two is not known.

    The longer of the two samples of a block is cut to the length of the other: the largest of a hundred
    values is larger than the largest of twenty.
    """
    return [
        _log_quantile(ours[: len(theirs)], share) - _log_quantile(theirs[: len(ours)], share)
        for ours, theirs in zip(candidate, reference, strict=True)
    ]


def _log_quantile(values: Sequence[float], share: float) -> float:
    figure = float(quantile(values, share)) if len(values) else math.nan
    return math.log(figure) if figure > 0 else math.nan
