"""How a figure is written in a table: short, with its interval."""

from __future__ import annotations

import math

from rich.text import Text

from gilbench.metrics import scale_of, significant, write
from gilbench.model import Cell, Parameters

_WIDE = 0.3  # from this half-width on, relative to the figure, the two ends say more than one number
_LOPSIDED = 1.5  # likewise where one side is so many times the other


def with_interval(cell: Cell | None) -> str:
    """Write a figure and its 95 % interval: ``1.98x ±2%``, or ``3.1x (2.0-4.7)`` where that is wide or lopsided.

    Fractions are written in per cent, their ± in percentage points.
    """
    if cell is None:
        return "-"
    figure = write(cell.value, cell.unit)
    if cell.lo is None or cell.hi is None:
        return figure
    if math.isinf(cell.hi):
        return _ends(cell, figure)
    below, above = cell.value - cell.lo, cell.hi - cell.value
    half = max(below, above)
    share = half / abs(cell.value) if cell.value else math.inf
    if share >= _WIDE or (share >= _WIDE / 3 and half > _LOPSIDED * min(below, above)):
        return _ends(cell, figure)
    return f"{figure} ±{significant(half * 100, 2) if cell.unit == 'fraction' else _percent(share)}"


def printable(text: str) -> str:
    """One line of a text from outside, in which nothing can move the cursor or change the colour."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def plain(text: str, style: str = "") -> Text:
    """The same for the terminal, where it is no markup either."""
    return Text(printable(text), style)


def case_name(workload: str, parameters: Parameters) -> str:
    """Name a case by its workload and the parameters that differ from the declaration."""
    return f"{workload} {', '.join(f'{name}={value}' for name, value in parameters)}".rstrip()


def threads_name(count: int) -> str:
    """Write a thread count."""
    return "1 thread" if count == 1 else f"{count} threads"


def _ends(cell: Cell, figure: str) -> str:
    assert cell.lo is not None and cell.hi is not None  # noqa: S101, PT018 - the caller has looked
    if cell.lo == math.inf:
        return figure
    if math.isinf(cell.value):  # it has no scale that its lower limit could share
        return f"{figure} ({write(max(cell.lo, 0.0), cell.unit)}-∞)"
    divisor, _ = scale_of(cell.value, cell.unit)
    limits = max(cell.lo, 0.0) / divisor, cell.hi / divisor
    low, high = (significant(limit, 2) for limit in limits)
    if not float(low) <= cell.value / divisor <= float(high):  # rounded, they would contradict the figure
        low, high = (significant(limit) for limit in limits)
    return f"{figure} ({low}-{'∞' if math.isinf(cell.hi) else high})"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"  # noqa: PLR2004 - one digit either way
