"""How a figure is written in a table: short, with its interval."""

from __future__ import annotations

import math

from rich.text import Text

from gilbench.metrics import scale_of, significant, write
from gilbench.model import Cell, Parameters
from gilbench.render.guard import printable

_WIDE = 0.3  # from this half-width on, relative to the figure, the two ends say more than one number
_LOPSIDED = 1.5  # likewise where one side is so many times the other


def with_interval(cell: Cell | None) -> str:
    """Write a figure and its 95 % interval: ``1.98x ±2%``, or ``3.1x (2.0-4.7)`` where that is wide or lopsided.

    Fractions are written in per cent, their ± in percentage points.
    """
    return "-" if cell is None else figure_within(cell.value, cell.lo, cell.hi, cell.unit)


def figure_within(value: float, lo: float | None, hi: float | None, unit: str) -> str:
    """Write a figure and its 95 % interval, likewise."""
    figure = write(value, unit)
    if lo is None or hi is None:
        return figure
    if math.isinf(hi):
        return _ends(value, lo, hi, unit)
    below, above = value - lo, hi - value
    half = max(below, above)
    share = half / abs(value) if value else math.inf
    beyond = unit == "fraction" and hi <= 1 < value + half  # more than all
    if beyond or share >= _WIDE or (share >= _WIDE / 3 and half > _LOPSIDED * min(below, above)):
        return _ends(value, lo, hi, unit)
    return f"{figure} ±{significant(half * 100, 2) if unit == 'fraction' else _percent(share)}"


def plain(text: str, style: str = "") -> Text:
    """The same for the terminal, where it is no markup either."""
    return Text(printable(text), style)


def case_name(workload: str, parameters: Parameters) -> str:
    """Name a case by its workload and the parameters that differ from the declaration."""
    return f"{workload} {', '.join(f'{name}={value}' for name, value in parameters)}".rstrip()


def threads_name(count: int) -> str:
    """Write a thread count."""
    return "1 thread" if count == 1 else f"{count} threads"


def _ends(value: float, lo: float, hi: float, unit: str) -> str:
    figure = write(value, unit)
    if lo == math.inf:
        return figure
    if math.isinf(value):  # it has no scale that its lower limit could share
        return f"{figure} ({write(max(lo, 0.0), unit)}-∞)"
    divisor, _ = scale_of(value, unit)
    limits = max(lo, 0.0) / divisor, hi / divisor
    low, high = (significant(limit, 2) for limit in limits)
    # So rounded, they would contradict the figure, or be one.
    if not float(low) <= value / divisor <= float(high) or (low == high and lo < hi):
        low, high = (significant(limit) for limit in limits)
    return f"{figure} ({low}-{'∞' if math.isinf(hi) else high})"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"  # noqa: PLR2004 - one digit either way
