"""Verdicts: what may be said of an estimate, and of a whole matrix of them.

A row is *improved* or *regressed* where its 95 % interval lies outside the practical threshold and the false
discovery rate over the matrix allows it, *equivalent* where the interval lies inside (two one-sided tests at
2.5 %, Schuirmann 1987), else *inconclusive*. The false discovery rate is that of Benjamini and Hochberg
(1995) on the hypotheses "the change is at most the threshold". Benjamini and Yekutieli (2001) would hold
under any dependence, but ask 4.7 times as much of 60 rows; with the dependence that there is (15 workloads,
in each four interpreters sharing a reference, 10 blocks, no threshold), 4.9 % of 3000 matrices without a
change had a false verdict.

Intervals are not adjusted: each row shows one, selected or not, so 95 % of them cover, and the correction for
selected intervals (FCR, Benjamini and Yekutieli 2005) would be for showing only the discoveries.

Looking after every block and stopping at the first verdict costs error rate. From 4 to 20 blocks, false
verdicts rise to 0.2 % and 2.2 % (sd of a block 2.5 % and 5 %) with a threshold of 2 %, but to 21 % with no
threshold: adaptive effort needs one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from gilbench.analyse.estimates import CONFIDENCE, Doubt, Estimate, student_quantile
from gilbench.model import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gilbench.analyse.drift import FloatArray
    from gilbench.analyse.estimates import Scale
    from gilbench.metrics import Better

Word = Literal["improved", "regressed", "equivalent", "inconclusive"]
Reason = Doubt | Literal["interval too wide", "one of too many comparisons", "neither direction is better"]

THRESHOLD = 0.02
FDR = 0.05
MOST_BLOCKS = 1000
"""More than these are not promised to decide anything."""
MODES = 0.05
"""How far apart two modes of the same program may lie, on the scale of the estimate."""
SD_CONFIDENCE = 0.8
"""With this confidence the spread is not larger than what the number of blocks needed is reckoned with."""


class Verdict(Struct, frozen=True):
    """What may be said of one row."""

    verdict: Word
    reason: Reason | None = None  # why it is inconclusive
    blocks_needed: int | None = None  # more blocks that would decide it; None: decided, or it cannot be said
    p: float | None = None  # of a change this far beyond the threshold if there were none; None: not tested


class Calls(NamedTuple):
    """Decisions over arrays of estimates, each of their shape."""

    changed: NDArray[np.bool_]
    equivalent: NDArray[np.bool_]
    p: FloatArray
    level: FloatArray  # that the p-value of one more discovery would have to reach


def verdict(estimate: Estimate, better: Better, *, threshold: float = THRESHOLD, fdr: float = FDR) -> Verdict:
    """Judge one comparison on its own; arguments as ``verdicts``."""
    return verdicts([estimate], [better], threshold=threshold, fdr=fdr)[0]


def verdicts(
    estimates: Sequence[Estimate],
    better: Sequence[Better],
    *,
    threshold: float = THRESHOLD,
    fdr: float = FDR,
) -> tuple[Verdict, ...]:
    """Judge all comparisons of a matrix together.

    Args:
        estimates: Candidate against reference, one for each row.
        better: Which direction of each row's metric is better.
        threshold: Smallest change that matters: 0.02 is 2 % of a ratio, 0.02 of a difference.
        fdr: Expected share of false ones among all rows that are called improved or regressed.

    Returns:
        One verdict per row. An estimate in doubt is inconclusive and does not count as a comparison.

    Raises:
        ValueError: Lists of unequal length, a negative threshold, or a rate that is not between 0 and 1.
    """
    if len(estimates) != len(better):
        raise ValueError(f"{len(estimates)} estimates, {len(better)} directions")
    if not (math.isfinite(threshold) and threshold >= 0 and 0 < fdr < 1):
        raise ValueError(f"threshold {threshold} must not be negative, rate {fdr} must lie between 0 and 1")
    margins = np.array([margin(threshold, estimate.scale) for estimate in estimates])
    calls = decide(
        np.array([math.nan if estimate.doubt else estimate.value for estimate in estimates]),
        np.array([estimate.error for estimate in estimates]),
        np.array([estimate.freedom for estimate in estimates]),
        np.array([estimate.blocks for estimate in estimates]),
        margin=margins,
        fdr=fdr,
    )
    return tuple(
        _verdict(estimate, direction, calls, row, float(margins[row]))
        for row, (estimate, direction) in enumerate(zip(estimates, better, strict=True))
    )


def margin(threshold: float, scale: Scale) -> float:
    """Put a threshold on the scale of an estimate: 2 % are as far up (1.02) as down (1 / 1.02)."""
    return math.log1p(threshold) if scale == "ratio" else threshold


def decide(
    value: FloatArray,
    error: FloatArray,
    freedom: FloatArray,
    blocks: NDArray[np.int_] | int,
    *,
    margin: FloatArray | float,
    fdr: float = FDR,
) -> Calls:
    """Decide over arrays: the last axis is the matrix, leading axes are separate matrices; NaN is not tested.

    The p-value is two-sided, so it bounds wrong directions too.
    """
    from scipy.special import stdtr  # noqa: PLC0415 - scipy is slow to import

    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = (np.abs(value) - margin) / error
    p = np.minimum(1.0, 2 * stdtr(freedom, -beyond))
    p = np.maximum(p, smallest_p(value, blocks))
    discovered, level = discoveries(p, fdr)
    return Calls(
        changed=discovered & (p <= 1 - CONFIDENCE),
        equivalent=np.abs(value) + student_quantile(freedom) * error < margin,
        p=p,
        level=level,
    )


def smallest_p(value: FloatArray | float, blocks: NDArray[np.int_] | int) -> FloatArray:
    """Smallest p-value that so many blocks can support.

    Where each process lands in one of two modes, all pairs lean the same way with this probability, and there
    is no spread that would warn Student's t. Modes lie near each other: a large change needs no such doubt.
    It matters only where many rows are compared over fewer than 6 blocks.
    """
    chance = 2 * 0.25 ** np.asarray(blocks, dtype=np.float64)
    return np.where(np.abs(value) < MODES, chance, 0.0)


def discoveries(p: FloatArray, fdr: float) -> tuple[NDArray[np.bool_], FloatArray]:
    """Benjamini and Hochberg's procedure over the last axis; NaN is not counted.

    Returns:
        Which hypotheses are rejected, and the level that one more would have to reach; of the shape of p.
    """
    tested = np.maximum(np.isfinite(p).sum(axis=-1, keepdims=True), 1)
    ranks = np.arange(1, p.shape[-1] + 1)
    passed = np.sort(p, axis=-1) <= fdr * ranks / tested  # NaN is sorted to the end and never passes
    found = np.max(np.where(passed, ranks, 0), axis=-1, keepdims=True, initial=0)
    level = fdr * np.minimum(found + 1, tested) / tested
    return p <= fdr * found / tested, np.broadcast_to(level, p.shape)


def blocks_needed(estimate: Estimate, margin: float, level: float) -> int | None:
    """Reckon how many more blocks would decide an estimate if it stayed where it is.

    The spread is taken at its upper confidence bound, for few blocks much larger than what was seen. Of
    simulated rows that got as many more (first 4 to 10, sd 2.5 %, threshold 2 %), 85 to 95 % were then
    decided where nothing differed, 97 to 100 % with a change of 5 %, but only 49 to 70 % with 1 or 3 %: how
    near the truth is to the threshold cannot be reckoned from few blocks.

    Args:
        estimate: An inconclusive one.
        margin: Threshold on the scale of the estimate.
        level: That the p-value of a change has to reach.

    Returns:
        More blocks, at least 1; None where the estimate is within one standard error of the threshold, so
        that its side is unknown, or where it would take more than ``MOST_BLOCKS``.
    """
    from scipy.special import chdtri  # noqa: PLC0415 - scipy is slow to import

    distance = abs(estimate.value) - margin
    if not estimate.error < abs(distance):
        return None
    bound = estimate.error * math.sqrt(estimate.freedom / float(chdtri(estimate.freedom, SD_CONFIDENCE)))
    blocks = np.arange(estimate.blocks + 1, estimate.blocks + 1 + MOST_BLOCKS)
    level = min(level, 1 - CONFIDENCE) if distance > 0 else 1 - CONFIDENCE
    errors = bound * np.sqrt(estimate.blocks / blocks)
    enough = student_quantile((blocks - 1).astype(np.float64), 1 - level) * errors < abs(distance)
    if distance > 0:
        enough &= smallest_p(estimate.value, blocks) <= level
    return int(np.argmax(enough)) + 1 if enough.any() else None


def _verdict(estimate: Estimate, better: Better, calls: Calls, row: int, margin: float) -> Verdict:
    needed = blocks_needed(estimate, margin, float(calls.level[row]))
    if estimate.doubt:
        few = estimate.doubt == "too few blocks"
        return Verdict(verdict="inconclusive", reason=estimate.doubt, blocks_needed=needed if few else None)
    p = float(calls.p[row])
    if calls.equivalent[row]:
        return Verdict(verdict="equivalent", p=p)
    if calls.changed[row] and better == "neither":
        return Verdict(verdict="inconclusive", reason="neither direction is better", p=p)
    if calls.changed[row]:
        good = (estimate.value > 0) == (better == "higher")
        return Verdict(verdict="improved" if good else "regressed", p=p)
    reason: Reason = "one of too many comparisons" if p <= 1 - CONFIDENCE else "interval too wide"
    return Verdict(verdict="inconclusive", reason=reason, blocks_needed=needed, p=p)
