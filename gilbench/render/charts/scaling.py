"""The charts of scaling: the speedup over threads, with what is ideal and what the host gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import altair as alt

from gilbench.model.results import Cell, Report
from gilbench.plan.axes import variant
from gilbench.render.charts.chart import Chart, Record, labels, series_of, table_of_chart
from gilbench.render.charts.intervals import limits, written
from gilbench.render.charts.style import GRAY, colors, panels, shapes, sizes, widths
from gilbench.render.charts.svg import rendered
from gilbench.render.figures import case_name

_TITLES = {
    "cpu": "Speedup of Python code, which holds the GIL",
    "offgil": "Speedup of C code, which releases the GIL",
    "shared": "Speedup of threads that share an object",
    "alternatives": "Speedup of alternatives to threads",
    "own": "Speedup of own code",
}
_DOUBLINGS = 8  # threads from which the axis is logarithmic


def scaling_charts(cells: Sequence[Cell], report: Report, among: Mapping[str, str]) -> Iterator[Chart]:
    """Yield a chart for each family with speedups.

    Args:
        cells: Cells of unobserved cases.
        report: The report of the study.
        among: Labels of all interpreters with the values of their axes.
    """
    cores = report.header.host.cores
    gains = {gain.threads: gain.speedup for gain in report.host_gains}
    for family, title in _TITLES.items():
        found = [cell for cell in cells if cell.family == family and cell.metric == "speedup"]
        if not found:
            continue
        rows = _rows(found, gains, cores, among)
        host = " Dotted: what the host gives to processes in C." if any(row["host"] for row in rows) else ""
        yield Chart(
            name=f"scaling-{family}",
            title=title,
            summary=(
                f"Speedup over one thread, by number of threads, with 95% intervals. Dashed: ideal on {cores} "
                f"core{'s'[: cores != 1]}.{host}"
            ),
            table=table_of_chart(
                ("workload", "interpreter", "threads", "speedup"),
                (
                    (*_names(cell), str(cell.case.threads), written(cell))
                    for cell in sorted(found, key=lambda cell: (_names(cell), cell.case.threads))
                ),
                texts=2,
            ),
            draw=partial(_draw, rows, list(among.values())),
        )


def _names(cell: Cell) -> tuple[str, str]:
    return case_name(cell.case.workload, cell.case.parameters), variant(cell.case)


def _rows(
    cells: Sequence[Cell], gains: Mapping[int, float], cores: int, series: Mapping[str, str]
) -> list[Record]:
    """Return a record for each speedup, and one for the single thread of each line."""
    places = labels(_names(cell)[0] for cell in cells)
    lines = {(places[panel], series[one]) for panel, one in map(_names, cells)}
    whole = bool(gains) and all(cell.case.threads in gains for cell in cells if cell.case.threads > 1)
    rows: list[Record] = [
        {"panel": panel, "series": one, "threads": 1, "value": 1.0, "lo": 1.0, "hi": 1.0}
        for panel, one in lines
    ]
    for cell in cells:
        panel, one = _names(cell)
        rows.append(
            {
                "panel": places[panel],
                "series": series[one],
                "threads": cell.case.threads,
                "value": cell.value,
                **limits(cell),
            }
        )
    for row in rows:
        row["ideal"] = min(row["threads"], cores)
        row["host"] = gains.get(row["threads"], 1.0) if whole else None
    order = [*places.values()], [*series.values()]
    return sorted(
        rows, key=lambda row: (order[0].index(row["panel"]), order[1].index(row["series"]), row["threads"])
    )


def _draw(rows: Sequence[Record], among: Sequence[str]) -> str:
    counts = sorted({row["threads"] for row in rows})
    names = series_of(rows, among)
    workloads = list(dict.fromkeys(row["panel"] for row in rows))
    scale = (
        alt.Scale(type="log", base=2, nice=False)
        if counts[-1] > _DOUBLINGS
        else alt.Scale(nice=False, padding=8)
    )
    base = alt.Chart().encode(
        x=alt.X(
            "threads:Q", title="threads", axis=alt.Axis(values=counts, format="d", grid=False), scale=scale
        )
    )
    y = partial(alt.Y, title="speedup", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5))
    color = colors(names, among)
    layers = [
        base.mark_line(strokeDash=[6, 4], color=GRAY, strokeWidth=1.5).encode(y=y("ideal:Q")),
        base.mark_rule(strokeWidth=2, strokeOpacity=0.6).encode(y=y("lo:Q"), y2="hi:Q", color=color),
        base.mark_line().encode(y=y("value:Q"), color=color, strokeWidth=widths(names)),
        base.mark_point(filled=True, opacity=1).encode(
            y=y("value:Q"), color=color, shape=shapes(names, among), size=sizes(names)
        ),
    ]
    if rows[0]["host"] is not None:
        layers.insert(1, base.mark_line(strokeDash=[1, 3], color=GRAY, strokeWidth=2).encode(y=y("host:Q")))
    layered = alt.layer(*layers).properties(**panels(len(workloads)))
    facet = alt.Facet("panel:N", title=None, sort=workloads)
    return rendered(layered.facet(facet=facet, columns=3, data=alt.InlineData(values=list(rows))))
