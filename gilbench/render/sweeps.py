"""Shows a sweep as a plot, and as a table with a section for each interpreter; and scaling as plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from gilbench.analyse.study.sweeps import FEWEST, Sweep
from gilbench.model.metrics import METRICS, common_scale, write
from gilbench.model.results import Cell
from gilbench.model.study import Case
from gilbench.plan.axes import variant
from gilbench.render.columns import labels, table_of, values
from gilbench.render.figures import case_name, threads_name
from gilbench.render.page import Part, Plot, Point

_SPEEDUP = "speedup"
_ONE = (1.0, 1.0)  # one thread has the speedup 1
_MOST_LINES = 8  # maximum number of lines in a plot; the table has all


class _SweepRow(NamedTuple):
    interpreter: str  # and the parameters that are not swept
    value: float  # of the axis


def sweep_parts(sweep: Sweep) -> Iterator[Part]:
    """Yield the plot and the table of a sweep."""
    title = f"{sweep.workload}: {METRICS[sweep.metric].title}, by {sweep.axis}"
    series = {
        f"{_label(line)}, {threads_name(line.threads)}": tuple(_point(value, cell) for value, cell in points)
        for line, points in islice(sweep.lines.items(), _MOST_LINES)
    }
    yield Plot(title, series, (sweep.unit, METRICS[sweep.metric].unit), rank=1)
    cells = {
        (_SweepRow(_label(line), value), line.threads): cell
        for line, points in sweep.lines.items()
        for value, cell in points
    }
    sections: dict[str, list[_SweepRow]] = {}
    for row in sorted({row for row, _ in cells}, key=lambda row: row.value):
        sections.setdefault(row.interpreter, []).append(row)
    scale = common_scale([row.value for row, _ in cells], sweep.unit)
    yield table_of(
        "",
        {name: sections[name] for name in dict.fromkeys(map(_label, sweep.lines))},
        [
            labels(lambda row: write(row.value, sweep.unit, scale), sweep.axis),
            *(
                values(threads_name(count), lambda row, count=count: cells.get((row, count)))  # type: ignore[misc]
                for count in sorted({line.threads for line in sweep.lines})
            ),
        ],
    )


def scaling_plots(cells: Sequence[Cell]) -> Iterator[Plot]:
    """Yield a plot for each workload that has speedups of several numbers of threads, which the tables list, too."""
    found: dict[str, dict[str, list[Point]]] = {}
    for cell in cells:
        if cell.metric == _SPEEDUP:
            name = case_name(cell.case.workload, cell.case.parameters)
            found.setdefault(name, {}).setdefault(variant(cell.case), []).append(
                _point(cell.case.threads, cell)
            )
    for name, lines in found.items():
        series = {line: (_ONE, *sorted(points)) for line, points in islice(lines.items(), _MOST_LINES)}
        if max(map(len, series.values())) > FEWEST:
            yield Plot(f"{name}: {METRICS[_SPEEDUP].title}, by threads", series, ("1", "x"))


def _point(value: float, cell: Cell) -> Point:
    return (
        (value, cell.value) if cell.lo is None or cell.hi is None else (value, cell.value, cell.lo, cell.hi)
    )


def _label(line: Case) -> str:
    return f"{variant(line)} {case_name('', line.parameters).strip()}".rstrip()
