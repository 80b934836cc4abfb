"""Fractions over blocks: handled requests or signals, or samples in which the GIL was held.

Blocks differ by more than chance (overdispersion), so the error is based on the variation between blocks. Near 0 and 1,
that variation is often zero by luck. Since one event more or less could have been observed, this is added to every
error. An interval therefore never has zero width, and 20 of 20 does not prove "always".

Simulated coverage with 4 to 20 blocks of 40 trials, binomial and overdispersed: for fractions of 0.5 to 0.9, single 94
to 97%, compared 94 to 96%. Closer to 1, there are so few events that intervals are conservative: for 0.98, single 95 to
99%, compared 95 to 98%; for 0.995, single 96 to 99%, compared 96 to 99.8%.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gilbench.analyse.stats.drift import FloatArray, inflation
from gilbench.analyse.stats.estimates import (
    CONFIDENCE,
    MINIMUM_BLOCKS,
    Estimate,
    Interval,
    student_quantile,
    unknown,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gilbench.analyse.stats.estimates import Scale

LONE_EVENT = 1.0
"""Events added to the error of one fraction. With 0.5, the coverage of 0.99 would be 82%."""
PAIRED_EVENT = 0.5
"""Events added to the error of each of two compared fractions. With 1, the coverage of 0.98 would be 99%."""


def fraction_interval(hits: Sequence[int], trials: Sequence[int], confidence: float = CONFIDENCE) -> Interval:
    """Estimate one fraction, with Wilson's interval (1927) for the effective number of trials.

    The design effect replaces the assumption of independence, and Student's t the normal distribution, as usual for
    clustered samples (Dean and Pagano 2015).

    Args:
        hits: Events per block, 0 to its trials.
        trials: Trials per block.
        confidence: Confidence level of the interval.

    Raises:
        ValueError: Negative counts, more hits than trials, or lists of unequal length.
    """
    counts, sizes = _counts(hits, trials)
    blocks, total = counts.size, float(sizes.sum())
    if not total:
        return Interval(value=math.nan, lo=None, hi=None, blocks=blocks)
    value = float(counts.sum() / total)
    if blocks < 2:  # noqa: PLR2004 - one block has no spread
        return Interval(value=value, lo=None, hi=None, blocks=blocks)
    smoothed = (counts.sum() + 1) / (total + 2)
    error = fraction_error(counts, sizes, LONE_EVENT)
    worth = smoothed * (1 - smoothed) / error**2  # in independent trials
    odds = float(student_quantile(blocks - 1, confidence)) ** 2 / worth
    centre = (value + odds / 2) / (1 + odds)
    half = math.sqrt(odds * value * (1 - value) + odds**2 / 4) / (1 + odds)
    # At 0 and 1, a limit equals the value, and rounding must not move it to the wrong side.
    lo, hi = max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half))
    return Interval(value=value, lo=lo, hi=hi, blocks=blocks)


def fraction_difference(
    candidate: tuple[Sequence[int], Sequence[int]],
    reference: tuple[Sequence[int], Sequence[int]],
    *,
    correlation: float = 0.0,
) -> Estimate:
    """Estimate the difference of two fractions that were measured in the same blocks.

    Args:
        candidate: Hits and trials, one of each per block.
        reference: Hits and trials of the reference.
        correlation: Between blocks, by ``drift_correlation`` over all comparisons of the session.

    Raises:
        ValueError: Invalid counts, as in ``fraction_interval``.
    """
    return _compare(candidate, reference, "difference", correlation)


def fraction_ratio(
    candidate: tuple[Sequence[int], Sequence[int]],
    reference: tuple[Sequence[int], Sequence[int]],
    *,
    correlation: float = 0.0,
) -> Estimate:
    """Estimate the ratio of two fractions; arguments and errors as in ``fraction_difference``.

    Half an event is added to hits and to misses, so a fraction of zero also has a ratio.
    """
    return _compare(candidate, reference, "ratio", correlation)


def fraction_error(hits: FloatArray, trials: FloatArray, event: float) -> float:
    """Return the standard error of one pooled fraction, with ``event`` events added to it."""
    return math.hypot(float(_spread(_deviations(hits, trials))), event / float(trials.sum()))


def difference_and_error(hits: FloatArray, trials: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the difference of the fractions of two arms, and its standard error.

    Args:
        hits: Shape (2, ..., blocks), the candidate first.
        trials: The same shape, no arm without trials.
    """
    total = trials.sum(axis=-1)
    value = hits.sum(axis=-1) / total
    deviations = _deviations(hits, trials)
    error = np.sqrt(_spread(deviations[0] - deviations[1]) ** 2 + ((PAIRED_EVENT / total) ** 2).sum(axis=0))
    return value[0] - value[1], error


def log_ratio_and_error(hits: FloatArray, trials: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the log of the ratio of the fractions of two arms, and its standard error by the delta method."""
    total = trials.sum(axis=-1)
    value = (hits.sum(axis=-1) + 0.5) / (total + 1)
    deviations = _deviations(hits, trials) / value[..., None]
    error = np.sqrt(
        _spread(deviations[0] - deviations[1]) ** 2 + ((PAIRED_EVENT / (total * value)) ** 2).sum(axis=0)
    )
    return np.log(value[0] / value[1]), error


def _compare(
    candidate: tuple[Sequence[int], Sequence[int]],
    reference: tuple[Sequence[int], Sequence[int]],
    scale: Scale,
    correlation: float,
) -> Estimate:
    arms = [_counts(*arm) for arm in (candidate, reference)]
    blocks = min(hits.size for hits, _ in arms)
    if arms[0][0].size != arms[1][0].size:
        return unknown(blocks, "unequal blocks", scale)
    if blocks < 2:  # noqa: PLR2004 - one block has no spread
        return unknown(blocks, "too few blocks", scale)
    hits, trials = (np.stack(arrays) for arrays in zip(*arms, strict=True))
    if not trials.sum(axis=-1).all():
        return unknown(blocks, "values that are not finite", scale)
    estimator = difference_and_error if scale == "difference" else log_ratio_and_error
    value, error = estimator(hits, trials)
    factor, freedom = inflation(correlation, blocks)
    return Estimate(
        value=float(value),
        error=float(error * factor),
        freedom=float(freedom),
        blocks=blocks,
        scale=scale,
        doubt="too few blocks" if blocks < MINIMUM_BLOCKS else None,
    )


def _counts(hits: Sequence[int], trials: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    counts, sizes = np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if counts.shape != sizes.shape:
        raise ValueError(f"{counts.size} blocks with hits, {sizes.size} with trials")
    if not ((counts >= 0) & (counts <= sizes) & np.isfinite(sizes)).all():
        raise ValueError("hits must be between 0 and the trials of their block")
    return counts, sizes


def _deviations(hits: FloatArray, trials: FloatArray) -> FloatArray:
    """Return the deviation of each block from the pooled fraction. They add up to zero over blocks."""
    pooled = hits.sum(axis=-1, keepdims=True) / trials.sum(axis=-1, keepdims=True)
    pulls: FloatArray = (hits - pooled * trials) / trials.mean(axis=-1, keepdims=True)
    return pulls


def _spread(deviations: FloatArray) -> FloatArray:
    """Return the standard error of a mean over blocks from its deviations."""
    blocks = deviations.shape[-1]
    error: FloatArray = np.sqrt((deviations**2).sum(axis=-1) / (blocks - 1) / blocks)
    return error
