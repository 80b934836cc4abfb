"""The charts of scaling: the speedup over threads, with what is ideal, what the host gives, and the fitted law."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import altair as alt

from gilbench.analyse.stats.scaling import speedup_by_law
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
_IDEAL, _HOST, _LAW = "ideal", "host", "fitted law"
_DASHES: Mapping[str, list[int]] = {_IDEAL: [6, 4], _HOST: [1, 3], _LAW: [1, 0]}
_STEPS = 24  # of the curve of a law

_Line = tuple[str, str]  # workload with its parameters, and interpreter with the values of its axes
_Law = tuple[float, float]  # contention and coherency of a line


def scaling_charts(cells: Sequence[Cell], report: Report, among: Mapping[str, str]) -> Iterator[Chart]:
    """Yield a chart for each family with speedups.

    Args:
        cells: Cells of unobserved cases.
        report: The report of the study.
        among: Labels of all interpreters with the values of their axes.
    """
    cores = _cores(report)
    for family, title in _TITLES.items():
        mine = [cell for cell in cells if cell.family == family]
        found = [cell for cell in mine if cell.metric == "speedup"]
        if not found:
            continue
        places = labels(_line(cell)[0] for cell in found)
        laws = _laws(mine, cores)
        points = _points(found, laws, places, among)
        guides = [*_limits(found, report, places), *_curves(found, laws, cores, places, among)]
        yield Chart(
            name=f"scaling-{family}",
            title=title,
            summary=_summary({guide["guide"] for guide in guides}, cores),
            table=table_of_chart(
                ("workload", "interpreter", "threads", "speedup"),
                (
                    (*_line(cell), str(cell.case.threads), written(cell))
                    for cell in sorted(found, key=lambda cell: (_line(cell), cell.case.threads))
                ),
                texts=2,
            ),
            draw=partial(_draw, points, guides, list(among.values())),
        )


def _summary(guides: Collection[str], cores: int) -> str:
    host = (
        "Dotted: what the host gives to processes in C."
        if _HOST in guides
        else "No control was measured for these numbers of threads."
    )
    law = " Lines: the Universal Scalability Law, fitted to the points." if _LAW in guides else ""
    return (
        f"Speedup over one thread, by number of threads, with 95% intervals. Dashed: ideal on {cores} "
        f"core{'s'[: cores != 1]}. {host}{law}"
    )


def _line(cell: Cell) -> _Line:
    return case_name(cell.case.workload, cell.case.parameters), variant(cell.case)


def _points(
    cells: Sequence[Cell], laws: Collection[_Line], places: Mapping[str, str], series: Mapping[str, str]
) -> list[Record]:
    """Return a record for each speedup, and one for the single thread of each line."""
    rows: list[Record] = []
    for line, found in groupby(sorted(cells, key=_line), key=_line):
        of_line = {"panel": places[line[0]], "series": series[line[1]], "fitted": line in laws}
        rows.append({**of_line, "threads": 1, "value": 1.0, "lo": 1.0, "hi": 1.0})
        rows += (
            {**of_line, "threads": cell.case.threads, "value": cell.value, **limits(cell)} for cell in found
        )
    order = [*places.values()], [*series.values()]
    return sorted(
        rows, key=lambda row: (order[0].index(row["panel"]), order[1].index(row["series"]), row["threads"])
    )


def _cores(report: Report) -> int:
    """Return the number of cores of the host, or of the smallest host of a fleet."""
    return min((one.host.cores for one in report.hosts), default=report.header.host.cores)


def _limits(cells: Sequence[Cell], report: Report, places: Mapping[str, str]) -> Iterator[Record]:
    """Yield what is ideal, and what the host gives if a control was measured for each number of threads."""
    cores = _cores(report)
    gains = {1: 1.0, **{gain.threads: gain.speedup for gain in report.host_gains}}
    counts = sorted({1, *(cell.case.threads for cell in cells)})
    whole = bool(report.host_gains) and gains.keys() >= set(counts)
    for panel in places.values():
        for count in counts:
            at = {"panel": panel, "threads": count}
            yield {**at, "guide": _IDEAL, "limit": min(count, cores)}
            if whole:
                yield {**at, "guide": _HOST, "limit": gains[count]}


def _laws(cells: Sequence[Cell], cores: int) -> dict[_Line, _Law]:
    """Return the fitted laws. On one CPU, threads have no other CPU to contend with."""
    sigmas, kappas = (
        {_line(cell): cell.value for cell in cells if cell.metric == metric and math.isfinite(cell.value)}
        for metric in ("contention", "coherence")
    )
    return {
        line: (sigmas.get(line, 0.0), kappa) for line, kappa in kappas.items() if line in sigmas or cores == 1
    }


def _curves(
    cells: Sequence[Cell],
    laws: Mapping[_Line, _Law],
    cores: int,
    places: Mapping[str, str],
    series: Mapping[str, str],
) -> Iterator[Record]:
    """Yield the curves of the laws, which have a bend where the threads outnumber the cores."""
    most_threads: dict[_Line, int] = {}
    for cell in cells:
        most_threads[_line(cell)] = max(cell.case.threads, most_threads.get(_line(cell), 1))
    for line in laws.keys() & most_threads.keys():
        most, law = most_threads[line], laws[line]
        steps = {most ** (step / _STEPS) for step in range(_STEPS + 1)} | {float(min(cores, most))}
        for threads in sorted(steps):
            at = {"panel": places[line[0]], "series": series[line[1]], "threads": threads}
            yield {**at, "guide": _LAW, "limit": speedup_by_law(threads, cores, *law)}


def _draw(points: Sequence[Record], guides: Sequence[Record], among: Sequence[str]) -> str:
    counts = sorted({row["threads"] for row in points})
    names = series_of(points, among)
    workloads = list(dict.fromkeys(row["panel"] for row in points))
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
    known = [name for name in _DASHES if any(row["guide"] == name for row in guides)]
    measured = base.transform_filter("isValid(datum.value)")
    layers = [
        _guide(base, y, known, [name for name in known if name != _LAW]).mark_line(color=GRAY, strokeWidth=2),
        measured.mark_rule(strokeWidth=2, strokeOpacity=0.6).encode(y=y("lo:Q"), y2="hi:Q", color=color),
    ]
    if _LAW in known:
        layers.append(_guide(base, y, known, [_LAW]).mark_line(strokeWidth=1.5).encode(color=color))
    if not all(row["fitted"] for row in points):  # what has no law is joined
        joined = measured.transform_filter("!datum.fitted")
        layers.append(joined.mark_line().encode(y=y("value:Q"), color=color, strokeWidth=widths(names)))
    layers.append(
        measured.mark_point(filled=True, opacity=1).encode(
            y=y("value:Q"), color=color, shape=shapes(names, among), size=sizes(names)
        )
    )
    layered = alt.layer(*layers).properties(**panels(len(workloads)))
    facet = alt.Facet("panel:N", title=None, sort=workloads)
    data = alt.InlineData(values=[*points, *guides])
    return rendered(layered.facet(facet=facet, columns=3, data=data))


def _guide(base: alt.Chart, y: Any, known: Sequence[str], names: Sequence[str]) -> alt.Chart:
    """Return the guides of some names among all, each with its dashes, which the legend has."""
    dashes = alt.Scale(domain=list(known), range=[_DASHES[name] for name in known])
    guide = alt.StrokeDash("guide:N", title=None, scale=dashes, legend=alt.Legend(padding=7))
    chosen = base.transform_filter(alt.FieldOneOfPredicate("guide", oneOf=list(names)))
    return chosen.encode(y=y("limit:Q"), strokeDash=guide)
