"""Atomicity: how many updates operations lose that are commonly assumed to be atomic."""

from __future__ import annotations

from gilbench.analyse.properties.judged import Context, Figures, Judged
from gilbench.analyse.stats.fractions import fraction_interval
from gilbench.model.metrics import write
from gilbench.model.scores import Verdict

_FEW = 1000  # from here on three digits say enough


def lost_updates(figures: Figures, context: Context) -> Judged:
    """Judge an operation: atomic if no update was lost. The interval then limits the losses that were missed.

    The positive control reads a value before a call, and writes it after the call. If even it lost nothing, no thread
    was ever preempted at the wrong moment, as it can happen on one CPU. Then the test says nothing of other operations.
    """
    wrong, updates = figures["wrong"], figures["updates"]
    interval = fraction_interval(wrong, updates)
    lost, total = sum(wrong), sum(updates)
    if not total:
        raise ValueError("nothing was updated")
    control = context.control_figures
    blind = not lost and control is not None and not sum(control["wrong"])
    verdict: Verdict = "no" if lost else "not seen" if blind else "yes"
    never = "; the positive control, object.attribute += function(), lost none either" if blind else ""
    return Judged(
        verdict,
        "lost updates per million",
        interval.value * 1e6,
        "1",
        _times(interval.lo, 1e6),
        _times(interval.hi, 1e6),
        f"{_count(lost)} of {_count(total)} updates lost or duplicated{never}",
    )


def _count(number: int) -> str:
    return str(number) if number < _FEW else write(number, "")


def _times(end: float | None, factor: float) -> float | None:
    return None if end is None else end * factor
