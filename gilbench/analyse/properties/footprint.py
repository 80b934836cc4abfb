"""Memory of small objects and of idle threads, compared with the reference."""

from __future__ import annotations

from gilbench.analyse.properties.judged import Context, Figures, Judged
from gilbench.analyse.properties.reference import without_reference
from gilbench.analyse.stats.estimates import mean_interval
from gilbench.model.metrics import significant
from gilbench.model.scores import Verdict

LEAN = 1.25
"""Memory relative to the reference: one word more for an object of four words is still lean. 3.13t takes 1.5 times
as much for a float, and 5 times for a thread."""


def lean(figures: Figures, context: Context) -> Judged:
    """Judge the bytes of an object or a thread by those in the reference."""
    interval = mean_interval(figures["bytes"])
    reference, base = context.reference, context.reference_figures
    verdict: Verdict = "not here"
    if reference is None:
        reason = without_reference(context.configuration)
    elif reference is context.configuration:
        verdict, reason = "yes", "reference"
    elif base is None:
        reason = f"no value of {reference.name} to compare with"
    else:
        ratio = interval.value / mean_interval(base["bytes"]).value
        verdict, reason = (
            "yes" if ratio <= LEAN else "no",
            f"{significant(ratio)} times the memory of {reference.name}",
        )
    return Judged(verdict, "bytes", interval.value, "B", interval.lo, interval.hi, reason)
