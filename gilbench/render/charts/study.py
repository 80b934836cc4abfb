"""The charts of a study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import altair as alt

from gilbench.analyse.study.sweeps import Sweep, sweeps
from gilbench.model.metrics import METRICS, write
from gilbench.model.results import Cell, Report
from gilbench.model.study import Case
from gilbench.plan.axes import variant
from gilbench.render.charts.chart import Chart, Record, labels, table_of_chart
from gilbench.render.charts.forest import draw_forest, drawable, ends
from gilbench.render.charts.intervals import limits, written
from gilbench.render.charts.latency import latency_charts
from gilbench.render.charts.scaling import scaling_charts
from gilbench.render.charts.style import SERIES, colors, shapes, sizes, widths
from gilbench.render.charts.svg import rendered
from gilbench.render.figures import case_name, threads_name
from gilbench.render.study_tables import COSTS, GAINS

_DECADE = 10.0  # largest / smallest value from which an axis is logarithmic


def study_charts(report: Report) -> Iterator[Chart]:
    """Yield the charts of a study, the most telling first."""
    cells = [cell for cell in report.cells if not cell.case.observers]
    workloads = {workload.name: workload for workload in report.header.workloads}
    among = labels(variant(cell.case) for cell in cells)
    yield from scaling_charts(cells, report, among)
    yield from latency_charts(cells, report, among)
    yield from _one_thread(cells, report.header.plan.reference, among)
    for sweep in sweeps(cells, workloads):
        yield _sweep(sweep)


def _one_thread(cells: Sequence[Cell], reference: str, series: Mapping[str, str]) -> Iterator[Chart]:
    found = [
        cell
        for cell in cells
        if cell.metric == "relative"
        and cell.case.threads == 1
        and cell.family != "mixed"
        and drawable(cell.value)
    ]
    if not found:
        return
    names = labels(case_name(cell.case.workload, cell.case.parameters) for cell in found)
    rows = [
        {
            "label": names[case_name(cell.case.workload, cell.case.parameters)],
            "series": series[variant(cell.case)],
            "value": cell.value,
            **ends(cell.value, cell.lo, cell.hi),
        }
        for cell in found
    ]
    palette = {name: SERIES[place % len(SERIES)] for place, name in enumerate(series.values())}
    yield Chart(
        name="one-thread",
        title=f"Single-thread speed relative to {reference}",
        summary=(
            "Ratios of throughput with 95% intervals, on a logarithmic axis; above 1 is faster. Differences within "
            f"the band, {GAINS - 1:.0%}, hardly matter."
        ),
        table=table_of_chart(
            ("workload", "interpreter", "relative speed"),
            (
                (case_name(cell.case.workload, cell.case.parameters), variant(cell.case), written(cell))
                for cell in found
            ),
            texts=2,
        ),
        draw=partial(
            draw_forest,
            rows,
            palette,
            (COSTS, GAINS),
            "speed relative to the reference",
            apart=True,
        ),
    )


def _sweep(sweep: Sweep) -> Chart:
    found = [(line, value, cell) for line, points in sweep.lines.items() for value, cell in points]
    names = labels(_line(line) for line in sweep.lines)
    metric = METRICS[sweep.metric]
    rows = [
        {"series": names[_line(line)], "x": value, "value": cell.value, **limits(cell)}
        for line, value, cell in found
        if math.isfinite(cell.value)
    ]
    return Chart(
        name=f"sweep-{sweep.workload}-{sweep.axis}",
        title=f"{sweep.workload}: {metric.title}, by {sweep.axis}",
        summary=f"{metric.title[0].upper()}{metric.title[1:]} by {sweep.axis}, with 95% intervals.",
        table=table_of_chart(
            ("interpreter", sweep.axis, metric.title),
            ((_line(line), write(value, sweep.unit), written(cell)) for line, value, cell in found),
        ),
        draw=partial(
            _draw_sweep,
            rows,
            list(names.values()),
            (sweep.axis, metric.title),
            (sweep.unit, metric.unit),
        ),
    )


def _line(line: Case) -> str:
    """Name the line of a sweep: interpreter, threads, and the parameters that are not swept."""
    other = case_name("", line.parameters).strip()
    return ", ".join(part for part in (variant(line), threads_name(line.threads), other) if part)


def _draw_sweep(
    rows: Sequence[Record], names: Sequence[str], titles: tuple[str, str], units: tuple[str, str]
) -> str:
    across, up = (
        _axis(title, unit, [row[field] for row in rows])
        for title, unit, field in zip(titles, units, ("x", "value"), strict=True)
    )
    base, color = (
        alt.Chart(alt.InlineData(values=list(rows))).encode(x=alt.X("x:Q", **across)),
        colors(names, names),
    )

    def y(field: str) -> alt.Y:
        return alt.Y(field, **up)

    layered = alt.layer(
        base.mark_rule(strokeWidth=2, strokeOpacity=0.6).encode(y=y("lo:Q"), y2="hi:Q", color=color),
        base.mark_line().encode(y=y("value:Q"), color=color, strokeWidth=widths(names)),
        base.mark_point(filled=True, opacity=1).encode(
            y=y("value:Q"), color=color, shape=shapes(names, names), size=sizes(names)
        ),
    )
    return rendered(layered.properties(width=460, height=220))


def _axis(title: str, unit: str, values: Sequence[float]) -> dict[str, Any]:
    """Return the title, scale, and axis of a quantity."""
    usable = [value for value in values if value > 0]
    decade = len(usable) == len(values) > 0 and max(usable) / min(usable) >= _DECADE
    form: dict[str, Any] = {
        "s": {"labelExpr": "format(datum.value, '~s') + 's'"},
        "fraction": {"format": "%"},
    }.get(unit, {"format": "~s"})
    per_second = ", per second" if unit == "1/s" else ""
    return {
        "title": f"{title}{per_second}",
        "scale": alt.Scale(type="log", nice=False) if decade else alt.Scale(zero=True),
        "axis": alt.Axis(**form, tickCount=5),
    }
