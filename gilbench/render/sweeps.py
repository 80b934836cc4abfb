"""Sweeps for the terminal: a plot, and a table with a section for each interpreter."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from gilbench.analyse.sweeps import Line, Sweep
from gilbench.axes import variant
from gilbench.metrics import METRICS, write
from gilbench.model import Cell
from gilbench.render.figures import case_name, plain, threads_name, with_interval
from gilbench.render.guard import printable
from gilbench.render.plot import plot_sweep
from gilbench.render.table import bare_table

_MOST_LINES = 8  # in one plot; more are in the table alone
_COLUMNS = 4  # thread counts beside each other at 80 columns


def sweep_parts(sweep: Sweep) -> Iterator[RenderableType]:
    """Write one sweep: its plot, and its table."""
    title = f"{sweep.workload}: {METRICS[sweep.metric].title} by {sweep.axis}"
    drawn = {_name(line): _points(points) for line, points in list(sweep.lines.items())[:_MOST_LINES]}
    yield plain(title, "bold")
    yield plot_sweep(drawn, (sweep.unit, METRICS[sweep.metric].unit))
    counts = sorted({line.threads for line in sweep.lines})
    for first in range(0, len(counts), _COLUMNS):
        yield _table(sweep, counts[first : first + _COLUMNS])


def _table(sweep: Sweep, counts: list[int]) -> RenderableType:
    table = bare_table()
    table.add_column(plain(sweep.axis), min_width=12)
    for count in counts:
        table.add_column(threads_name(count), justify="right", no_wrap=True)
    rows: dict[str, dict[int, dict[float, Cell]]] = {}
    for line, points in sweep.lines.items():
        rows.setdefault(_variant(line), {})[line.threads] = dict(points)
    for number, (name, by_count) in enumerate(rows.items()):
        if number:
            table.add_section()
        table.add_row(plain(name, "bold"))
        for value in sorted({value for points in by_count.values() for value in points}):
            figures = [with_interval(by_count.get(count, {}).get(value)) for count in counts]
            table.add_row(f"  {write(value, sweep.unit)}", *figures)
    return table


def _points(line: Line) -> list[tuple[float, float]]:
    return [(value, cell.value) for value, cell in line]


def _variant(line: Cell) -> str:
    return f"{variant(line)} {case_name('', line.parameters).strip()}".rstrip()


def _name(line: Cell) -> str:
    return printable(f"{_variant(line)}, {threads_name(line.threads)}")
