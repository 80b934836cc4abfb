"""Intervals of values, as charts draw and write them."""

from __future__ import annotations

import math

from gilbench.model.results import Cell
from gilbench.render.figures import figure_within


def limits(cell: Cell) -> dict[str, float]:
    """Return the ends of the interval; an unknown or infinite end is the value itself."""
    return {"lo": _end(cell.lo, cell.value), "hi": _end(cell.hi, cell.value)}


def written(cell: Cell) -> str:
    """Write a value with its interval."""
    return figure_within(cell.value, cell.lo, cell.hi, cell.unit)


def _end(end: float | None, value: float) -> float:
    return value if end is None or not math.isfinite(end) else end
