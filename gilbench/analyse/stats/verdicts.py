"""Verdicts on one estimate, or on a matrix of estimates.

A row is *improved* or *regressed* if its 95% interval is outside the threshold, and the false discovery rate of the
matrix permits it. It is *equivalent* if the interval is inside the threshold (two one-sided tests at 2.5%, Schuirmann
1987). Otherwise, it is *inconclusive*.

The false discovery rate is that of Benjamini and Hochberg (1995) for the hypotheses "the change is at most the
threshold". Benjamini and Yekutieli (2001) holds under any dependence, but is 4.7 times as strict for 60 rows. With
realistic dependence (15 workloads, four interpreters with a common reference, 10 blocks, no threshold), 4.9% of 3000
matrices without a change had a false verdict.

Intervals are not adjusted: every row shows its interval, so 95% of them cover. The correction for selected intervals
(FCR, Benjamini and Yekutieli 2005) applies only if discoveries alone are shown.

A study that stops at a clear result pays for its looks: see ``sequential``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from gilbench.analyse.stats.estimates import CONFIDENCE, Doubt, Estimate, over_looks, student_quantile
from gilbench.analyse.stats.layout import allow_for_layout, noise_alone
from gilbench.model.study import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gilbench.analyse.stats.drift import FloatArray
    from gilbench.analyse.stats.estimates import Scale
    from gilbench.model.metrics import Better

Word = Literal["improved", "regressed", "equivalent", "inconclusive"]
Reason = (
    Doubt
    | Literal[
        "interval too wide", "code layout", "one of too many comparisons", "neither direction is better"
    ]
)

THRESHOLD = 0.02
FDR = 0.05
MOST_BLOCKS = 1000
"""Maximum number of additional blocks that are suggested."""
MODES = 0.05
"""Maximum distance of two modes of the same program, on the scale of the estimate."""
SD_CONFIDENCE = 0.8
"""Confidence of the upper bound on the standard deviation that ``blocks_needed`` assumes."""


class Verdict(Struct, frozen=True):
    """The verdict on one row."""

    verdict: Word
    reason: Reason | None = None  # why it is inconclusive
    blocks_needed: int | None = None  # additional blocks that would decide it; None: decided, or unknown
    p: float | None = None  # of the hypothesis that the change is at most the threshold; None: not tested


class Calls(NamedTuple):
    """Decisions over arrays of estimates, each of their shape."""

    changed: NDArray[np.bool_]
    equivalent: NDArray[np.bool_]
    p: FloatArray
    level: FloatArray  # maximum p-value of one more discovery


def verdict(estimate: Estimate, better: Better, *, threshold: float = THRESHOLD, fdr: float = FDR) -> Verdict:
    """Return the verdict on a single comparison; arguments as in ``verdicts``."""
    return verdicts([estimate], [better], threshold=threshold, fdr=fdr)[0]


def verdicts(
    estimates: Sequence[Estimate],
    better: Sequence[Better],
    *,
    threshold: float = THRESHOLD,
    fdr: float = FDR,
) -> tuple[Verdict, ...]:
    """Return the verdicts on all comparisons of a matrix.

    Args:
        estimates: Candidate relative to reference, one per row.
        better: Better direction of each row's metric.
        threshold: Smallest change that matters: 0.02 is 2% of a ratio, or 0.02 of a difference.
        fdr: False discovery rate among improved and regressed rows, a fraction.

    Returns:
        One verdict per row. An estimate in doubt is inconclusive and does not count as a comparison.

    Raises:
        ValueError: Lists of unequal length, a negative threshold, or a rate that is not between 0 and 1.
    """
    if len(estimates) != len(better):
        raise ValueError(f"{len(estimates)} estimates, {len(better)} directions")
    if not (math.isfinite(threshold) and threshold >= 0 and 0 < fdr < 1):
        raise ValueError(f"threshold {threshold} must not be negative, and fdr {fdr} must be between 0 and 1")
    margins = np.array([margin(threshold, estimate.scale) for estimate in estimates])
    calls = decide(
        np.array([math.nan if estimate.doubt else estimate.value for estimate in estimates]),
        np.array([estimate.error for estimate in estimates]),
        np.array([estimate.freedom for estimate in estimates]),
        np.array([estimate.blocks for estimate in estimates]),
        margin=margins,
        looks=np.array([estimate.looks for estimate in estimates]),
        fdr=fdr,
    )
    return tuple(
        _verdict(estimate, direction, calls, row, float(margins[row]))
        for row, (estimate, direction) in enumerate(zip(estimates, better, strict=True))
    )


def margin(threshold: float, scale: Scale) -> float:
    """Convert a threshold to the scale of an estimate: for ratios, 2% is 1.02 or 1 / 1.02."""
    return math.log1p(threshold) if scale == "ratio" else threshold


def decide(
    value: FloatArray,
    error: FloatArray,
    freedom: FloatArray,
    blocks: NDArray[np.int_] | int,
    *,
    margin: FloatArray | float,
    looks: FloatArray | float = 1.0,
    fdr: float = FDR,
) -> Calls:
    """Decide arrays of estimates. The last axis is the matrix; leading axes are separate matrices. NaN is not tested.

    The p-value is two-sided, so it also bounds verdicts in the wrong direction. It is multiplied by ``looks``, the
    number of independent looks that each estimate pays for.
    """
    from scipy.special import stdtr  # noqa: PLC0415 - scipy is slow to import

    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = (np.abs(value) - margin) / error
    p = np.minimum(1.0, 2 * stdtr(freedom, -beyond) * looks)
    p = np.maximum(p, smallest_p(value, blocks))
    discovered, level = discoveries(p, fdr)
    return Calls(
        changed=discovered & (p <= 1 - CONFIDENCE),
        equivalent=np.abs(value) + student_quantile(freedom, over_looks(CONFIDENCE, looks)) * error < margin,
        p=p,
        level=level,
    )


def smallest_p(value: FloatArray | float, blocks: NDArray[np.int_] | int) -> FloatArray:
    """Return the smallest p-value that a number of blocks can support.

    If each process is in one of two modes, this is the probability that all pairs differ in the same direction, which
    Student's t cannot notice. Modes are close to each other, so a large change needs no such bound. The bound matters
    only for many rows over fewer than 6 blocks.
    """
    chance = 2 * 0.25 ** np.asarray(blocks, dtype=np.float64)
    return np.where(np.abs(value) < MODES, chance, 0.0)


def discoveries(p: FloatArray, fdr: float) -> tuple[NDArray[np.bool_], FloatArray]:
    """Apply Benjamini and Hochberg's procedure to the last axis, ignoring NaN.

    Returns:
        Which hypotheses are rejected, and the maximum p-value of one more rejection; both in the shape of p.
    """
    tested = np.maximum(np.isfinite(p).sum(axis=-1, keepdims=True), 1)
    ranks = np.arange(1, p.shape[-1] + 1)
    passed = np.sort(p, axis=-1) <= fdr * ranks / tested  # NaN is sorted to the end and never passes
    found = np.max(np.where(passed, ranks, 0), axis=-1, keepdims=True, initial=0)
    level = fdr * np.minimum(found + 1, tested) / tested
    return p <= fdr * found / tested, np.broadcast_to(level, p.shape)


def blocks_needed(estimate: Estimate, margin: float, level: float) -> int | None:
    """Predict how many additional blocks would decide an estimate if its value did not change.

    The prediction assumes the upper confidence bound of the standard deviation, which is large for few blocks. In
    simulations (first 4 to 10 blocks, standard deviation 2.5%, threshold 2%), the predicted blocks decided 85 to 95%
    of the rows without an effect, and 97 to 100% of those with an effect of 5%, but only 49 to 70% of those with 1 or
    3%: few blocks do not show how close the true value is to the threshold.

    Args:
        estimate: An inconclusive estimate.
        margin: Threshold on the scale of the estimate.
        level: Maximum p-value of a change.

    Returns:
        Number of additional blocks, at least 1. None if the estimate is within one standard error of the threshold,
        or if more than ``MOST_BLOCKS`` would be needed: so it is if code layout is most of the error.
    """
    from scipy.special import chdtri  # noqa: PLC0415 - scipy is slow to import

    distance = abs(estimate.value) - margin
    if not estimate.error < abs(distance):
        return None
    # Satterthwaite's freedom with layout may be larger than that of the noise.
    known = min(estimate.freedom, estimate.blocks - 1) if estimate.layout else estimate.freedom
    bound = noise_alone(estimate) * math.sqrt(known / float(chdtri(known, SD_CONFIDENCE)))
    blocks = np.arange(estimate.blocks + 1, estimate.blocks + 1 + MOST_BLOCKS)
    level = min(level, 1 - CONFIDENCE) if distance > 0 else 1 - CONFIDENCE
    errors, freedom = allow_for_layout(
        bound * np.sqrt(estimate.blocks / blocks), (blocks - 1).astype(np.float64), estimate.layout
    )
    confidence = over_looks(1 - level, estimate.looks)
    enough = student_quantile(freedom, confidence) * errors < abs(distance)
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
    return Verdict(verdict="inconclusive", reason=_reason(estimate, p), blocks_needed=needed, p=p)


def _reason(estimate: Estimate, p: float) -> Reason:
    if p <= 1 - CONFIDENCE:
        return "one of too many comparisons"
    # More blocks reduce only the smaller part of the variance.
    return "code layout" if 2 * noise_alone(estimate) ** 2 < estimate.error**2 else "interval too wide"
