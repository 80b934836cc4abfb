"""Caveats of code layout: which differences of two builds need no change of the code."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gilbench.analyse.stats.layout import LAYOUT_SD
from gilbench.analyse.study.comparison_rows import TIMED
from gilbench.model.metrics import METRICS
from gilbench.model.results import Caveat, Cell, Comparison
from gilbench.model.study import Case, Study

SMALL = 2 * math.sqrt(2) * LAYOUT_SD
"""Two layouts of one source differ by less than this in 19 of 20 builds, on the log scale."""
_NAMED = 3  # cases in a sentence


def layout_included(sd: float) -> Caveat:
    """Describe intervals that include code layout; ``sd`` is the standard deviation between layouts."""
    return Caveat(
        kind="layout",
        text=f"two builds of the same source differ by about {math.sqrt(2) * sd:.1%} (1 standard deviation) through "
        "code layout; the intervals of times and throughput include this",
        next="To find smaller changes, compare instructions (--count instructions), or check several builds of each.",
    )


def small_changes(study: Study, rows: Iterable[Comparison]) -> tuple[Caveat, ...]:
    """Warn of improved and regressed rows of two builds that are as small as the effect of code layout."""
    return _warning(
        study,
        [
            row.case
            for row in rows
            if row.verdict in {"improved", "regressed"}
            and METRICS[row.metric].unit in TIMED
            and _is_small(row.ratio)
        ],
    )


def small_ratios(study: Study, cells: Iterable[Cell]) -> tuple[Caveat, ...]:
    """Warn of throughput relative to the reference that differs from it by as little as code layout does."""
    return _warning(
        study,
        [
            cell.case
            for cell in cells
            if cell.metric == "relative"
            and cell.lo is not None
            and cell.hi is not None
            and not cell.lo <= 1 <= cell.hi
            and _is_small(cell.value)
        ],
    )


def _is_small(ratio: float | None) -> bool:
    return ratio is not None and ratio > 0 and abs(math.log(ratio)) < SMALL


def _warning(study: Study, cases: Iterable[Case]) -> tuple[Caveat, ...]:
    files = {one.name: (one.binary, one.library) for one in study.header.interpreters}
    reference = files.get(study.header.plan.reference)
    names = list(
        dict.fromkeys(
            f"{case.workload} on {case.interpreter}"
            for case in cases
            if files.get(case.interpreter) != reference
        )
    )
    if not names:
        return ()
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    text = (
        f"a difference of less than {math.expm1(SMALL):.1%} between two builds may be code layout, not code: "
        f"{', '.join(names[:_NAMED])}{more}"
    )
    step = "Compare several builds of each interpreter, or instructions (--count instructions)."
    return (Caveat(kind="layout", text=text, next=step),)
