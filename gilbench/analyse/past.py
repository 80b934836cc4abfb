"""A new study against the level that a history stands on.

What a study of the same code would give next is predicted from the studies since the last change: their mean,
with the spread from study to study, which holds whatever differs from hour to hour and process to process.
The new study is judged by whether it lies outside of that (Student's prediction interval), its own error
counting where it is the larger one. So the blocks of a study, which know nothing of other hours, are never
taken for the error of the comparison.

What is promised, measured on 1000 simulated histories for each figure (4, 8, 20 or 60 studies, half of the
long ones with a step of 3 % in them, sd of a study 1 %): rows called changed although nothing did, and a loss
of 5 % that was called regressed, both at a threshold of 2 % unless said otherwise:

=======================  ============  ==============  ==============
noise from study to      changed, no   changed,        5 % found with
study                    threshold     threshold 2 %   4 to 60 studies
=======================  ============  ==============  ==============
independent              5 %           0.1 %           45 to 83 %
AR(1), correlation 0.5   6 to 7 %      0 %             63 to 84 %
AR(1), correlation 0.8   7 to 9 %      0 %             66 to 90 %
heavy tails (t, 3 df)    7 %           0.5 to 0.8 %    65 to 87 %
two modes, half each     0 to 8 %      0 to 0.2 %      35 to 69 %
=======================  ============  ==============  ==============

One study is one value here, however many blocks it has: measuring both sides now, interleaved, decides far
smaller changes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gilbench.analyse.changes import find_changes
from gilbench.analyse.estimates import Estimate, mean_estimate, student_quantile, unknown
from gilbench.analyse.verdicts import FDR, THRESHOLD, Verdict, verdicts
from gilbench.metrics import METRICS
from gilbench.model import Cell, Comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

METRICS_KEPT = ("relative", "speedup", "retained")
"""Figures that can be followed over hours: each is a ratio taken inside blocks."""
REFERENCE = "history"
RECENT = 30  # studies on the present level; older ones know less of the host as it is


def compare_past(
    figures: Sequence[tuple[Cell, Sequence[float]]], *, threshold: float = THRESHOLD, fdr: float = FDR
) -> tuple[Comparison, ...]:
    """Compare figures with earlier values of them.

    Args:
        figures: Each with its earlier values, in the order of their commits.
        threshold: Smallest change that matters, e.g. 0.02.
        fdr: Expected share of false ones among all rows called improved or regressed.

    Returns:
        One row for each; inconclusive where fewer than three studies stand on the present level.
    """
    estimates = [_estimate(cell, values) for cell, values in figures]
    better = [METRICS[cell.metric].better for cell, _ in figures]
    judged = verdicts(estimates, better, threshold=threshold, fdr=fdr)
    return tuple(
        _row(cell, estimate, verdict)
        for (cell, _), estimate, verdict in zip(figures, estimates, judged, strict=True)
    )


def present_level(logs: Sequence[float]) -> Sequence[float]:
    """The latest values that are surely on the present level."""
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
    """Standard error of a ratio over the blocks of its study, on the log scale; 0 where it is not known."""
    if cell.lo is None or cell.hi is None or not 0 < cell.lo <= cell.hi < math.inf:
        return 0.0
    return math.log(cell.hi / cell.lo) / 2 / float(student_quantile(cell.blocks - 1))


def _row(cell: Cell, estimate: Estimate, verdict: Verdict) -> Comparison:
    interval = estimate.interval()
    few = verdict.reason == "too few blocks"
    return Comparison(
        workload=cell.workload,
        family=cell.family,
        interpreter=cell.interpreter,
        reference=REFERENCE,
        threads=cell.threads,
        parameters=cell.parameters,
        gil=cell.gil,
        switch_interval=cell.switch_interval,
        cpus=cell.cpus,
        metric=cell.metric,
        better=cell.better,
        ratio=interval.value if math.isfinite(interval.value) else None,
        lo=interval.lo,
        hi=interval.hi,
        verdict=verdict.verdict,
        reason="too few studies" if few else verdict.reason,
        blocks=cell.blocks,
        blocks_needed=None,  # more blocks of this study do not tell what other hours are like
        paired=True,
    )
