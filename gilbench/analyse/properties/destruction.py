"""Prompt and ordered destruction: when and where a finalizer runs, and what is left of its object."""

from __future__ import annotations

import math

from gilbench.analyse.properties.judged import Figures, Judge, Judged, always, fraction
from gilbench.analyse.stats.quantiles import Latencies, quantile_interval

PROMPT = 0.005
"""s from the drop to the finalizer: one switch interval, which a program with threads has to expect anyway. Prompt
interpreters take microseconds; the others do not get there within the time of the experiment at all."""
CHUNKS = 5  # into which the drops of one experiment are dealt, as blocks of the interval
_LATER = "none ran while it was waited for: a later collection runs it, or its owner when it wakes up"


def promptness(what: str, limit: float = PROMPT) -> Judge:
    """Judge the delay from a drop to the finalizer by its median.

    Args:
        what: Awaited event.
        limit: Seconds; infinite if promptness was never promised, so that any time passes.
    """

    def judge(figures: Figures) -> Judged:
        delays: list[float | None] = figures["delays"]
        ran = [delay for delay in delays if delay is not None]
        if len(ran) * 2 <= len(delays):
            kept = f"; {figures['garbage']} in gc.garbage" if figures.get("garbage") else ""
            return fraction(len(ran), len(delays), f"drops followed by {what} in time", "no", _LATER + kept)
        known = [math.inf if delay is None else delay for delay in delays]
        interval = quantile_interval([Latencies(known[first::CHUNKS]) for first in range(CHUNKS)], 0.5)
        reason = None
        if "here" in figures and figures["here"] * 2 < len(ran):
            reason = "the finalizer does not run in the thread that dropped the last reference"
        return Judged(
            "yes" if interval.value <= limit else "no",
            f"median delay from the drop to {what}",
            interval.value,
            "s",
            _finite(interval.lo),
            _finite(interval.hi),
            reason,
        )

    return judge


def _finite(end: float | None) -> float | None:
    """An end of an interval that so few drops do not bound is unknown."""
    return end if end is not None and math.isfinite(end) else None


def own_thread(figures: Figures) -> Judged:
    """Whether the finalizer runs in the thread that dropped the last reference."""
    ran = sum(delay is not None for delay in figures["delays"])
    measured = "finalizers that run in the thread of the drop"
    if not ran:
        return Judged(
            "no", measured, 0.0, "fraction", reason="no finalizer ran while the thread waited for it"
        )
    here = figures["here"]
    reason = None if here else "another thread runs them: the creator of the object, or a collector thread"
    return fraction(here, ran, measured, always(here, ran), reason)


def still_there(figures: Figures) -> Judged:
    """Whether attributes are there when an object ends."""
    if not figures["finalized"]:
        return _never_finalized(figures, "finalizers that found their attributes")
    return fraction(
        figures["there"],
        figures["finalized"],
        "finalizers that found their attributes",
        always(figures["there"], figures["finalized"]),
    )


def before_its_part(figures: Figures) -> Judged:
    """Whether an object ends before what it holds."""
    measured = "objects that ended before what they hold"
    if not figures["finalized"]:
        return _never_finalized(figures, measured)
    before, ended = figures["before_part"], figures["finalized"]
    reason = None if before == ended else f"in {ended - before} of {ended} what it holds had ended already"
    return fraction(before, ended, measured, always(before, ended), reason)


def _never_finalized(figures: Figures, measured: str) -> Judged:
    kept = figures.get("garbage")
    reason = (
        f"no finalizer was called: the cycles are kept in gc.garbage ({kept} objects)"
        if kept
        else "no finalizer was called"
    )
    return fraction(0, figures["dropped"], measured, "no", reason)
