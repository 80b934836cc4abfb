"""Compares a new study with the current level of a history.

The studies since the last change predict the next study of the same code: their mean, with the variation between
studies, which includes all differences between times and processes. The verdict depends on whether the new study is
outside this prediction (Student's prediction interval). The error of the new study counts only if it is larger: its
blocks do not show the variation between different times.

The table is from 1000 simulated histories per value (4, 8, 20, or 60 studies; half of the long ones have a step of
3%; standard deviation of a study 1%). It shows false changes, and regressions of 5% that were detected with a
threshold of 2%:

=======================  ============  ==============  ===============
noise between studies    false, no     false,          5% detected with
..                       threshold     threshold 2%    4 to 60 studies
=======================  ============  ==============  ===============
independent              5%            0.1%            45 to 83%
AR(1), correlation 0.5   6 to 7%       0%              63 to 84%
AR(1), correlation 0.8   7 to 9%       0%              66 to 90%
heavy tails (t, 3 df)    7%            0.5 to 0.8%     65 to 87%
two modes, half each     0 to 8%       0 to 0.2%       35 to 69%
=======================  ============  ==============  ===============

A study counts as one value here, whatever its number of blocks. Measuring both sides now, interleaved, detects much
smaller changes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gilbench.analyse.stats.changes import find_changes
from gilbench.analyse.stats.estimates import Estimate, mean_estimate, student_quantile, unknown
from gilbench.analyse.stats.verdicts import FDR, THRESHOLD, Verdict, verdicts
from gilbench.model.metrics import METRICS
from gilbench.model.results import Cell, Comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

METRICS_KEPT = ("relative", "speedup", "retained")
"""Metrics that are comparable across time: each is a ratio within blocks."""
REFERENCE = "history"
RECENT = 30  # maximum number of studies on the current level, since the host may change


def compare_past(
    figures: Sequence[tuple[Cell, Sequence[float]]], *, threshold: float = THRESHOLD, fdr: float = FDR
) -> tuple[Comparison, ...]:
    """Compare results with their earlier values.

    Args:
        figures: Cells with their earlier values, in the order of their commits.
        threshold: Smallest change that matters, a fraction, for example 0.02.
        fdr: False discovery rate among improved and regressed rows, a fraction.

    Returns:
        One row per cell; inconclusive if fewer than three studies are on the current level.
    """
    estimates = [_estimate(cell, values) for cell, values in figures]
    better = [METRICS[cell.metric].better for cell, _ in figures]
    judged = verdicts(estimates, better, threshold=threshold, fdr=fdr)
    return tuple(
        _row(cell, estimate, verdict)
        for (cell, _), estimate, verdict in zip(figures, estimates, judged, strict=True)
    )


def present_level(logs: Sequence[float]) -> Sequence[float]:
    """Return the latest values that are certainly on the current level."""
    changes = find_changes(logs)
    return logs[changes[-1].last if changes else 0 :][-RECENT:]


def _estimate(cell: Cell, values: Sequence[float]) -> Estimate:
    earlier = [math.log(value) for value in values if 0 < value < math.inf]
    level = mean_estimate(present_level(earlier))
    if not 0 < cell.value < math.inf:
        return unknown(level.blocks, "values that are not finite", "ratio")
    spread = level.error * math.sqrt(level.blocks)
    error = math.hypot(level.error, max(spread, _own_error(cell)))
    return Estimate(
        value=math.log(cell.value) - level.value,
        error=error,
        freedom=level.freedom,
        blocks=level.blocks,
        doubt=level.doubt,
    )


def _own_error(cell: Cell) -> float:
    """Return the standard error of a ratio over the blocks or hosts of its study, on the log scale; 0: unknown."""
    if cell.lo is None or cell.hi is None or not 0 < cell.lo <= cell.hi < math.inf:
        return 0.0
    return math.log(cell.hi / cell.lo) / 2 / float(student_quantile((cell.hosts or cell.blocks) - 1))


def _row(cell: Cell, estimate: Estimate, verdict: Verdict) -> Comparison:
    interval = estimate.interval()
    few = verdict.reason == "too few blocks"
    return Comparison(
        case=cell.case,
        family=cell.family,
        reference=REFERENCE,
        metric=cell.metric,
        better=cell.better,
        ratio=interval.value if math.isfinite(interval.value) else None,
        lo=interval.lo,
        hi=interval.hi,
        verdict=verdict.verdict,
        reason="too few studies" if few else verdict.reason,
        blocks=cell.blocks,
        hosts=cell.hosts,
        blocks_needed=None,  # more blocks of this study do not show the variation between times
        paired=True,
    )
