"""The charts of comparisons and checks: a forest plot for each metric, colored by verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

from gilbench.model.metrics import METRICS
from gilbench.model.results import Check, Comparison, Comparisons
from gilbench.plan.axes import variant
from gilbench.render.charts.chart import Chart, labels, table_of_chart
from gilbench.render.charts.forest import draw_forest, drawable, ends
from gilbench.render.charts.style import VERDICTS
from gilbench.render.figures import case_name, ratio_text, threads_name, verdict_text

_MOST = 40  # rows of one chart; those that changed most


def comparison_charts(result: Comparisons) -> Iterator[Chart]:
    """Yield the charts of a comparison."""
    return _charts(result.rows, result.threshold)


def check_charts(check: Check) -> Iterator[Chart]:
    """Yield the charts of a check. Means over families are left out."""
    gate = check.gate
    known = (*gate.known_bad, *gate.recovered, *gate.unsettled)
    rows = (
        *gate.regressed,
        *(one.comparison for one in known),
        *gate.improved,
        *gate.inconclusive,
        *gate.equivalent,
    )
    return _charts(rows, check.threshold)


def _charts(rows: Sequence[Comparison], threshold: float) -> Iterator[Chart]:
    by_metric: dict[str, list[Comparison]] = {}
    for row in rows:
        if row.ratio is not None and drawable(row.ratio):
            by_metric.setdefault(row.metric, []).append(row)
    for metric, found in by_metric.items():
        shown = sorted(found, key=_size, reverse=True)[:_MOST]
        yield _chart(metric, [row for row in found if row in shown], len(found), threshold)


def _size(row: Comparison) -> float:
    return abs(math.log(row.ratio or 1.0))


def _chart(metric: str, rows: Sequence[Comparison], count: int, threshold: float) -> Chart:
    against = {row.reference for row in rows}
    names = [_name(row, several=len(against) > 1) for row in rows]
    shown = labels(names, 60)
    records = [
        {
            "label": shown[name],
            "series": row.verdict,
            "value": row.ratio,
            **ends(row.ratio or 1.0, row.lo, row.hi),
        }
        for name, row in zip(names, rows, strict=True)
    ]
    title = METRICS[metric].title if metric in METRICS else metric
    better = {"higher": ", above 1 is better", "lower": ", below 1 is better"}.get(rows[0].better, "")
    left_out = f" The {len(rows)} largest of {count} changes are shown." if len(rows) < count else ""
    return Chart(
        name=f"comparison-{metric}",
        title=f"Relative to {against.pop()}: {title}" if len(against) == 1 else f"Comparison: {title}",
        summary=(
            f"Ratios with 95% intervals, on a logarithmic axis{better}. Changes within the band, {threshold:.1%}, "
            f"do not matter. Colors are verdicts.{left_out}"
        ),
        table=table_of_chart(
            ("case", "ratio", "verdict"),
            ((name, ratio_text(row), verdict_text(row)) for name, row in zip(names, rows, strict=True)),
        ),
        draw=partial(
            draw_forest,
            records,
            VERDICTS,
            (1 / (1 + threshold), 1 + threshold),
            f"ratio: {title}",
            apart=False,
        ),
    )


def _name(row: Comparison, *, several: bool) -> str:
    """Name a row; if there are several references, with its own."""
    case = row.case
    name = f"{case_name(case.workload, case.parameters)}, {variant(case)}, {threads_name(case.threads)}"
    return f"{name} vs {row.reference}" if several else name
