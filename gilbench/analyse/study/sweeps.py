"""Sweeps: one metric of a case over the values of one axis, with everything else equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from gilbench.model.results import Cell
from gilbench.model.study import Case, Workload

FEWEST = 3  # minimum number of values; two are a comparison
SWITCH_INTERVAL = "switch interval"
SENT = "signals sent"  # per second; clearer than the interval between two signals
_RATES = frozenset({"rate", SENT})
_SHOWN = ("throughput", "delivered", "latency_p50")  # the first that exists is shown

Line = tuple[tuple[float, Cell], ...]  # cells by the value of the axis, the smallest value first


class Sweep(NamedTuple):
    """One metric over one axis."""

    workload: str
    axis: str  # switch interval, signals sent, or the name of a parameter
    unit: str  # of the axis
    metric: str
    lines: Mapping[Case, Line]  # by the case without the axis


def sweeps(cells: Sequence[Cell], workloads: Mapping[str, Workload]) -> Iterator[Sweep]:
    """Yield all sweeps of a study: of switch intervals, and of numeric parameters such as rates.

    Args:
        cells: Cells of unobserved cases.
        workloads: Declarations by name, for default values of parameters.
    """
    for name in dict.fromkeys(cell.case.workload for cell in cells):
        workload, mine = workloads[name], [cell for cell in cells if cell.case.workload == name]
        metric = next((shown for shown in _SHOWN if any(cell.metric == shown for cell in mine)), None)
        figures = [cell for cell in mine if cell.metric == metric]
        for axis in _axes(figures):
            lines = _lines(figures, axis, workload)
            if metric is not None and lines:
                title = SENT if axis == "interval" and workload.driver == "signals" else axis
                unit = "s" if axis == SWITCH_INTERVAL else "1/s" if title in _RATES else "1"
                yield Sweep(name, title, unit, metric, lines)


def _axes(cells: Iterable[Cell]) -> list[str]:
    names = (name for cell in cells for name, value in cell.case.parameters if not isinstance(value, str))
    return list(dict.fromkeys([SWITCH_INTERVAL, *names]))


def _lines(cells: Iterable[Cell], axis: str, workload: Workload) -> dict[Case, Line]:
    found: dict[Case, dict[float, Cell]] = defaultdict(dict)
    for cell in cells:
        value = _value(cell, axis, workload)
        if value is not None:
            found[_without(cell.case, axis)][value] = cell
    return {line: tuple(sorted(points.items())) for line, points in found.items() if len(points) >= FEWEST}


def _value(cell: Cell, axis: str, workload: Workload) -> float | None:
    if axis == SWITCH_INTERVAL:
        return cell.case.switch_interval
    found = dict(cell.case.parameters).get(axis, workload.parameters[axis])
    if isinstance(found, str):  # one of the values of an argument
        return None
    value = float(found)
    return 1 / value if axis == "interval" and workload.driver == "signals" else value


def _without(case: Case, axis: str) -> Case:
    return msgspec.structs.replace(
        case,
        parameters=tuple((name, value) for name, value in case.parameters if name != axis),
        switch_interval=None if axis == SWITCH_INTERVAL else case.switch_interval,
    )
