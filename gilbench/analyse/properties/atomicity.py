"""Atomicity: how many updates operations lose that are commonly assumed to be atomic."""

from __future__ import annotations

from gilbench.analyse.properties.judged import Figures, Judged
from gilbench.analyse.stats.fractions import fraction_interval
from gilbench.model.metrics import write

_FEW = 1000  # from here on three digits say enough


def lost_updates(figures: Figures) -> Judged:
    """Judge an operation: atomic if no update was lost. The interval then limits the losses that were missed."""
    wrong, updates = figures["wrong"], figures["updates"]
    interval = fraction_interval(wrong, updates)
    lost, total = sum(wrong), sum(updates)
    if not total:
        raise ValueError("nothing was updated")
    return Judged(
        "no" if lost else "yes",
        "lost updates per million",
        interval.value * 1e6,
        "1",
        _times(interval.lo, 1e6),
        _times(interval.hi, 1e6),
        f"{_count(lost)} of {_count(total)} updates lost or duplicated",
    )


def _count(number: int) -> str:
    return str(number) if number < _FEW else write(number, "")


def _times(end: float | None, factor: float) -> float | None:
    return None if end is None else end * factor
