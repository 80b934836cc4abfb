"""Memory of small objects and of idle threads, held against the reference."""

from __future__ import annotations

from typing import Final

from gilbench.analyse.estimates import mean_interval
from gilbench.analyse.properties.judged import Figures, Judged
from gilbench.metrics import significant

LEAN = 1.25
"""Memory in times of the reference's: one word more for an object of four words is still lean. 3.13t takes 1.5 times
as much for a float, and 5 times for a thread."""

PARTS: Final = {
    "speed.memory_float": "memory of a float",
    "speed.memory_tuple": "memory of a tuple of two",
    "speed.memory_list": "memory of a list of one",
    "speed.memory_dict": "memory of a dict of one",
    "speed.memory_object": "memory of an object with two attributes",
    "speed.memory_thread": "memory of an idle thread",
}


def lean(figures: Figures, reference: Figures | None, name: str | None) -> Judged:
    """Judge bytes by those of the reference.

    Args:
        figures: Of the column.
        reference: Of its reference; None where that gave none.
        name: Of the reference; None: the column is its own.
    """
    interval = mean_interval(figures["bytes"])
    if name is None:
        verdict, reason = "yes", "it is the reference itself"
    elif reference is None:
        verdict, reason = "not here", f"there is no figure of {name} to hold it against"
    else:
        ratio = interval.value / mean_interval(reference["bytes"]).value
        verdict, reason = "yes" if ratio <= LEAN else "no", f"{significant(ratio)} times that of {name}"
    return Judged(verdict, "bytes", interval.value, "B", interval.lo, interval.hi, reason)  # type: ignore[arg-type]
