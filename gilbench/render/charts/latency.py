"""The charts of services and signals: latencies by percentile, and the shares that are kept or handled."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import altair as alt

from gilbench.model.metrics import write
from gilbench.model.results import Cell, Report
from gilbench.plan.axes import variant
from gilbench.render.charts.chart import Chart, Record, labels, series_of, table_of_chart
from gilbench.render.charts.intervals import limits, written
from gilbench.render.charts.style import INK, colors, panels, shapes, sizes, widths
from gilbench.render.charts.svg import rendered
from gilbench.render.figures import case_name, threads_name

_TAILS = {  # requests per slower request
    "latency_p50": ("p50", 2.0),
    "latency_p90": ("p90", 10.0),
    "latency_p99": ("p99", 100.0),
    "latency_p99_9": ("p99.9", 1000.0),
}
_MAX = "latency_max"
_TICKS = "{'2': 'p50', '10': 'p90', '100': 'p99', '1000': 'p99.9', '10000': 'p99.99'}[toString(datum.value)]"
_SECONDS = "format(datum.value, '~s') + 's'"
_FOOT = 14  # px at the bottom of a panel, for the numbers of samples


def latency_charts(cells: Sequence[Cell], report: Report, among: Mapping[str, str]) -> Iterator[Chart]:
    """Yield the charts of services, and those of signals.

    Args:
        cells: Cells of unobserved cases.
        report: The report of the study.
        among: Labels of all interpreters with the values of their axes.
    """
    quiet = {workload.name for workload in report.header.workloads if workload.quiet_case}
    for name, families in {"io": ("io", "mixed"), "signals": ("signals",)}.items():
        mine = [cell for cell in cells if cell.family in families]
        whose = "I/O" if name == "io" else "signals"
        yield from _latency(f"latency-{name}", f"Latency of {whose}", mine, quiet, among)
        metric, title, what = (
            (
                "retained",
                "Throughput of I/O next to added threads",
                "throughput / throughput with 0 added threads",
            )
            if name == "io"
            else ("delivered", "Signals handled next to CPU-bound threads", "handled / sent signals")
        )
        yield from _shares("kept" if name == "io" else "handled", title, what, metric, mine, quiet, among)


def _latency(
    name: str, title: str, cells: Sequence[Cell], quiet: set[str], series: Mapping[str, str]
) -> Iterator[Chart]:
    found = [
        cell
        for cell in cells
        if cell.metric in {*_TAILS, _MAX} and math.isfinite(cell.value) and cell.value > 0
    ]
    if not found:
        return
    places = labels(_panel(cell, quiet) for cell in found)
    rows = [
        {
            "panel": places[_panel(cell, quiet)],
            "series": series[variant(cell.case)],
            "tail": _tail(cell),
            "value": cell.value,
            **_positive(cell),
        }
        for cell in found
    ]
    carried = _carried(found, places, quiet)
    yield Chart(
        name=name,
        title=title,
        summary=(
            "Latency by percentile, both axes logarithmic, with 95% intervals. The last point of each line is the "
            "slowest of all samples. At the bottom: the number of samples that are slower than the percentile, of the "
            "line with the fewest."
        ),
        table=table_of_chart(
            ("workload", "interpreter", "percentile", "latency", "slower samples", "samples"),
            (
                (
                    _panel(cell, quiet),
                    variant(cell.case),
                    _TAILS[cell.metric][0] if cell.metric in _TAILS else "max",
                    written(cell),
                    _counted(_slower(cell)),
                    "-" if cell.samples is None else str(cell.samples),
                )
                for cell in found
            ),
            texts=2,
        ),
        draw=partial(_draw_latency, [*rows, *carried], list(series.values()), list(places.values())),
    )


def _tail(cell: Cell) -> float:
    """Return the number of requests of which one is slower; of a maximum, all."""
    return _TAILS[cell.metric][1] if cell.metric in _TAILS else max(2.0, float(cell.samples or 2))


def _slower(cell: Cell) -> int | None:
    """Return the number of samples that are slower than a percentile; None: unknown."""
    if cell.samples is None or cell.metric not in _TAILS:
        return None
    return math.floor(cell.samples / _tail(cell))


def _counted(slower: int | None) -> str:
    return "-" if slower is None else str(slower or "<1")


def _carried(cells: Sequence[Cell], places: Mapping[str, str], quiet: set[str]) -> list[Record]:
    """Return a record for each percentile of a panel: the fewest slower samples of all its lines."""
    fewest: dict[tuple[str, float], int] = {}
    for cell in cells:
        slower = _slower(cell)
        if slower is not None:
            key = places[_panel(cell, quiet)], _tail(cell)
            fewest[key] = min(slower, fewest.get(key, slower))
    return [
        {"panel": panel, "tail": tail, "slower": _counted(count)} for (panel, tail), count in fewest.items()
    ]


def _panel(cell: Cell, quiet: set[str]) -> str:
    name = case_name(cell.case.workload, cell.case.parameters)
    if cell.case.workload in quiet:
        return f"{name}, {cell.case.threads} added thread{'s'[: cell.case.threads != 1]}"
    return name if cell.family == "io" else f"{name}, pool of {threads_name(cell.case.threads)}"


def _positive(cell: Cell) -> dict[str, float]:
    """Return the ends of an interval for a logarithmic axis."""
    return {side: end if end > 0 else cell.value for side, end in limits(cell).items()}


def _draw_latency(rows: Sequence[Record], among: Sequence[str], places: Sequence[str]) -> str:
    points = [row for row in rows if "value" in row]
    names = series_of(points, among)
    x = alt.X(
        "tail:Q",
        title="percentile",
        scale=alt.Scale(type="log", nice=False, padding=12),
        axis=alt.Axis(values=[2, 10, 100, 1000, 10_000], labelExpr=_TICKS, grid=False),
    )
    axis = alt.Axis(labelExpr=_SECONDS, tickCount=5)
    y = partial(alt.Y, title="latency", scale=alt.Scale(type="log", padding=_FOOT), axis=axis)
    size = panels(len(places))
    base, color = alt.Chart().encode(x=x), colors(names, among)
    measured = base.transform_filter("isValid(datum.value)")
    layers = [
        measured.mark_rule(strokeWidth=2, strokeOpacity=0.6).encode(y=y("lo:Q"), y2="hi:Q", color=color),
        measured.mark_line().encode(y=y("value:Q"), color=color, strokeWidth=widths(names)),
        measured.mark_point(filled=True, opacity=1).encode(
            y=y("value:Q"), color=color, shape=shapes(names, among), size=sizes(names)
        ),
    ]
    if len(points) < len(rows):
        feet = base.transform_filter("isValid(datum.slower)").mark_text(
            baseline="bottom", dy=-3, fontSize=9, color=INK, opacity=0.8
        )
        layers.append(feet.encode(y=alt.value(size["height"]), text="slower:N"))
    layered = alt.layer(*layers).properties(**size)
    facet = alt.Facet("panel:N", title=None, sort=list(places))
    return rendered(layered.facet(facet=facet, columns=3, data=alt.InlineData(values=list(rows))))


def _shares(
    name: str,
    title: str,
    what: str,
    metric: str,
    cells: Sequence[Cell],
    quiet: set[str],
    series: Mapping[str, str],
) -> Iterator[Chart]:
    found = [
        cell
        for cell in cells
        if cell.metric == metric and cell.case.workload in quiet and math.isfinite(cell.value)
    ]
    if not found:
        return
    places = labels(case_name(cell.case.workload, cell.case.parameters) for cell in found)
    rows = [
        {
            "panel": places[case_name(cell.case.workload, cell.case.parameters)],
            "series": series[variant(cell.case)],
            "added": cell.case.threads,
            "value": cell.value,
            **limits(cell),
        }
        for cell in found
    ]
    yield Chart(
        name=name,
        title=title,
        summary=f"{what[0].upper()}{what[1:]}, by number of added threads, with 95% intervals.",
        table=table_of_chart(
            ("workload", "interpreter", "added threads", "share"),
            (
                (
                    case_name(cell.case.workload, cell.case.parameters),
                    variant(cell.case),
                    str(cell.case.threads),
                    write(cell.value, cell.unit) if cell.lo is None else written(cell),
                )
                for cell in found
            ),
            texts=2,
        ),
        draw=partial(_draw_shares, rows, list(series.values()), list(places.values())),
    )


def _draw_shares(rows: Sequence[Record], among: Sequence[str], places: Sequence[str]) -> str:
    names = series_of(rows, among)
    y = partial(
        alt.Y, title=None, axis=alt.Axis(format="%", tickCount=5), scale=alt.Scale(zero=True, nice=False)
    )
    base = alt.Chart().encode(
        x=alt.X("added:O", title="added threads", axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("series:N", sort=list(names)),
    )
    layered = alt.layer(
        base.mark_bar().encode(y=y("value:Q"), color=colors(names, among)),
        base.mark_rule(strokeWidth=1.5, color=INK).encode(y=y("lo:Q"), y2="hi:Q"),
    ).properties(**panels(len(places)))
    facet = alt.Facet("panel:N", title=None, sort=list(places))
    return rendered(layered.facet(facet=facet, columns=3, data=alt.InlineData(values=list(rows))))
