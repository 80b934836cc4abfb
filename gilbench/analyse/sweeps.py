"""Sweeps: one figure of a case over the values of one axis, everything else being equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from gilbench.model import Cell, Workload

FEWEST = 3  # values that make a sweep; two are a comparison
SWITCH_INTERVAL = "switch interval"
SENT = "signals sent"  # per second: what the interval between two signals says more plainly
_RATES = frozenset({"rate", SENT})
_SHOWN = ("throughput", "delivered", "latency_p50")  # by which a sweep is shown, the first that there is

Line = tuple[tuple[float, Cell], ...]  # the figures by the value of the axis, the smallest value first


class Sweep(NamedTuple):
    """One figure over one axis."""

    workload: str
    axis: str  # switch interval, signals sent, or the name of a parameter
    unit: str  # of the axis
    metric: str
    lines: Mapping[Cell, Line]  # by the cell as it is without the axis, and without a figure


def sweeps(cells: Sequence[Cell], workloads: Mapping[str, Workload]) -> Iterator[Sweep]:
    """Find all sweeps of a study: of switch intervals, of sending rates, of numbers among the parameters.

    Args:
        cells: Of cases that nobody observed.
        workloads: Declarations by name, for the values that a case leaves as they are declared.
    """
    for name in dict.fromkeys(cell.workload for cell in cells):
        workload, mine = workloads[name], [cell for cell in cells if cell.workload == name]
        metric = next((shown for shown in _SHOWN if any(cell.metric == shown for cell in mine)), None)
        figures = [cell for cell in mine if cell.metric == metric]
        for axis in _axes(figures):
            lines = _lines(figures, axis, workload)
            if metric is not None and lines:
                title = SENT if axis == "interval" and workload.driver == "signals" else axis
                unit = "s" if axis == SWITCH_INTERVAL else "1/s" if title in _RATES else "1"
                yield Sweep(name, title, unit, metric, lines)


def _axes(cells: Iterable[Cell]) -> list[str]:
    names = (name for cell in cells for name, value in cell.parameters if not isinstance(value, str))
    return list(dict.fromkeys([SWITCH_INTERVAL, *names]))


def _lines(cells: Iterable[Cell], axis: str, workload: Workload) -> dict[Cell, Line]:
    found: dict[Cell, dict[float, Cell]] = defaultdict(dict)
    for cell in cells:
        value = _value(cell, axis, workload)
        if value is not None:
            found[_without(cell, axis)][value] = cell
    return {line: tuple(sorted(points.items())) for line, points in found.items() if len(points) >= FEWEST}


def _value(cell: Cell, axis: str, workload: Workload) -> float | None:
    if axis == SWITCH_INTERVAL:
        return cell.switch_interval
    value = float(dict(cell.parameters).get(axis, workload.parameters[axis]))
    return 1 / value if axis == "interval" and workload.driver == "signals" else value


def _without(cell: Cell, axis: str) -> Cell:
    return msgspec.structs.replace(
        cell,
        parameters=tuple((name, value) for name, value in cell.parameters if name != axis),
        switch_interval=None if axis == SWITCH_INTERVAL else cell.switch_interval,
        value=0.0,
        lo=None,
        hi=None,
        blocks=0,
        samples=None,
    )
