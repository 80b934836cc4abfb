"""The overview of a study: one chart of the values that its findings are about, with a row for each workload."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gilbench.model.metrics import undetermined
from gilbench.model.results import Cell, Report
from gilbench.plan.axes import variant
from gilbench.render.figures import case_name, threads_name, without_intervals
from gilbench.render.page import Bar, Column, Entry, Section, Table, Text

_LENGTHS = {1: 24, 2: 16, 3: 10, 4: 6}  # of the longest bar, by number of configurations; more are left out
_HOW_TO_READ = "Bars: solid to the lower end of the 95% interval, shaded to the upper end"


def overview(cells: Sequence[Cell], report: Report) -> Iterator[Table]:
    """Yield the chart, unless the study has only commands or the user's own code, whose tables are as short.

    Args:
        cells: Cells of unobserved cases.
        report: The report of the study.
    """
    drivers = {workload.name: workload.driver for workload in report.header.workloads}
    plain = [cell for cell in cells if cell.family != "own" and drivers[cell.case.workload] != "command"]
    found = _threads(plain) or _one_thread(plain, report.header.plan.reference)
    if found:
        yield _table(found)


def central_values(cells: Sequence[Cell], report: Report) -> dict[str, list[Cell]]:
    """Return what threads change, and the speeds on one thread, by heading."""
    alone = (cell for cell in cells if cell.family != "mixed")
    return {**_one_thread(alone, report.header.plan.reference), **_threads(cells)}


def _threads(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return what threads change, by a heading that says how many: as many as the findings are about."""
    found: dict[str, list[Cell]] = {}
    for cell in _at_fewest_threads(cells, "speedup"):
        found.setdefault(f"{threads_name(cell.case.threads)}: speedup over one", []).append(cell)
    for cell in _at_fewest_threads(cells, "retained"):
        found.setdefault(f"{_added(cell)}: throughput vs unloaded", []).append(cell)
    signals = [cell for cell in cells if cell.metric == "delivered" and cell.family == "signals"]
    most = max((cell.case.threads for cell in signals), default=0)
    for cell in signals:
        if most and cell.case.threads == most:
            found.setdefault(f"{_added(cell)}: signals handled", []).append(cell)
    return found


def _at_fewest_threads(cells: Iterable[Cell], metric: str) -> Iterator[Cell]:
    mine = [cell for cell in cells if cell.metric == metric]
    fewest: dict[str, int] = {}
    for cell in mine:
        fewest[cell.case.workload] = min(cell.case.threads, fewest.get(cell.case.workload, cell.case.threads))
    return (cell for cell in mine if cell.case.threads == fewest[cell.case.workload])


def _added(cell: Cell) -> str:
    count = cell.case.threads
    return f"{count} added thread{'s'[: count != 1]}"


def _one_thread(cells: Iterable[Cell], reference: str) -> dict[str, list[Cell]]:
    """Return the speeds of a study in which no case has several threads."""
    speeds = [cell for cell in cells if cell.metric == "relative" and cell.case.threads == 1]
    return {f"1 thread: speed relative to {reference}": speeds} if speeds else {}


def _table(found: Mapping[str, Sequence[Cell]]) -> Table:
    names = list(dict.fromkeys(variant(cell.case) for cells in found.values() for cell in cells))
    shown = names[: max(_LENGTHS)]
    left = len(names) - len(shown)
    return Table(
        title="Overview",
        columns=(
            Column("", "left", folds=True),
            *(column for name in shown for column in (Column(name), Column("", "left"))),
        ),
        sections=tuple(_section(heading, cells, shown) for heading, cells in found.items()),
        notes=(
            Text(_HOW_TO_READ, "faint"),
            *((Text(f"{left} more configurations: see the tables", "faint"),) if left else ()),
        ),
        rank=1,
    )


def _section(heading: str, cells: Sequence[Cell], shown: Sequence[str]) -> Section:
    rows: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        name = case_name(cell.case.workload, cell.case.parameters)
        rows.setdefault(name, {})[variant(cell.case)] = cell
    ends = [end for cell in cells for end in (cell.value, _upper(cell)) if math.isfinite(end)]
    longest = max([*ends, 1.0]) if cells[0].unit == "fraction" else max(ends, default=0.0)
    columns: list[Sequence[Entry]] = [list(rows)]
    for name in shown:
        mine = [row.get(name) for row in rows.values()]
        columns += [without_intervals(mine), [_bar(cell, longest, _LENGTHS[len(shown)]) for cell in mine]]
    return Section(tuple(zip(*columns, strict=True)), heading)


def _upper(cell: Cell) -> float:
    """Return the upper end of an interval that says something, or else the value."""
    if cell.lo is None or cell.hi is None or undetermined(cell.value, cell.lo, cell.hi, cell.unit):
        return cell.value
    return cell.hi


def _bar(cell: Cell | None, longest: float, length: int) -> Entry:
    if cell is None or not math.isfinite(cell.value) or longest <= 0:
        return ""
    if cell.lo is None or cell.hi is None:
        return Bar(cell.value / longest, length=length)
    return Bar(max(cell.lo, 0.0) / longest, min(cell.hi, longest) / longest, length)
