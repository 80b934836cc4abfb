"""The values of a study or a check by stable names, for services that draw them over time.

A name has the parts that identify a case, without a date or a host: ``countdown [3.13t] threads=2``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from gilbench.model.metrics import METRICS
from gilbench.model.results import Check, Comparison, Report
from gilbench.model.study import Case
from gilbench.plan.axes import variant
from gilbench.render.check_page import sections
from gilbench.render.figures import case_name
from gilbench.render.guard import printable


class ServiceValue(NamedTuple):
    """One metric of one case, whose value and ends are finite."""

    case: Case
    metric: str  # as in metrics; of a check, with the suffix ``_ratio``
    title: str  # of the metric
    unit: str  # as in metrics
    better: str
    value: float
    lo: float | None  # 95% interval
    hi: float | None

    @property
    def name(self) -> str:
        """The name of the case."""
        case = self.case
        return printable(
            f"{case_name(case.workload, case.parameters)} [{variant(case)}] threads={case.threads}"
        )


def service_values(result: Report | Check) -> Iterator[ServiceValue]:
    """Yield the values of a study, or the ratios of a check. Infinite and unknown values are left out.

    Values of observed runs are left out, too, since observers slow a program.
    """
    if isinstance(result, Check):
        yield from _ratios(result)
        return
    for cell in result.cells:
        if math.isfinite(cell.value) and not cell.case.observers:
            yield ServiceValue(
                case=cell.case,
                metric=cell.metric,
                title=_title(cell.metric),
                unit=cell.unit,
                better=cell.better,
                value=cell.value,
                lo=_finite(cell.lo),
                hi=_finite(cell.hi),
            )


def _ratios(check: Check) -> Iterator[ServiceValue]:
    for section in sections(check.gate):
        for item in section.items:
            row: Comparison = item.comparison
            if row.ratio is not None and math.isfinite(row.ratio):
                yield ServiceValue(
                    case=row.case,
                    metric=f"{row.metric}_ratio",
                    title=f"{_title(row.metric)}, candidate / baseline",
                    unit="x",
                    better=row.better,
                    value=row.ratio,
                    lo=_finite(row.lo),
                    hi=_finite(row.hi),
                )


def _title(metric: str) -> str:
    return METRICS[metric].title if metric in METRICS else metric


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
