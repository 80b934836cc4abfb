"""Prompt and ordered destruction: when a finaliser runs, where, and what it finds."""

from __future__ import annotations

import math
from typing import Final

from gilbench.analyse.properties.judged import Figures, Judge, Judged, Part, always, fraction
from gilbench.analyse.quantiles import Latencies, quantile_interval

PROMPT = 0.005
"""s from the drop to the finaliser: one switch interval, which a program with threads has to expect anyway. Prompt
interpreters take microseconds; the others do not get there within the time of the trial at all."""
CHUNKS = 5  # into which the drops of one trial are dealt, as blocks of the interval
_LATER = "none ran while it was waited for: a later collection runs it, or its owner when it wakes up"


def promptness(what: str, limit: float = PROMPT) -> Judge:
    """Judge the delay from a drop to the finaliser by its median.

    Args:
        what: Is awaited.
        limit: s; infinite where no promptness was ever promised, and any time will do in which it came at all.
    """

    def judge(figures: Figures) -> Judged:
        delays: list[float | None] = figures["delays"]
        ran = [delay for delay in delays if delay is not None]
        if len(ran) * 2 <= len(delays):
            kept = f"; {figures['garbage']} are kept in gc.garbage" if figures.get("garbage") else ""
            return fraction(
                len(ran), len(delays), f"drops after which {what} came in time", "no", _LATER + kept
            )
        known = [math.inf if delay is None else delay for delay in delays]
        interval = quantile_interval([Latencies(known[first::CHUNKS]) for first in range(CHUNKS)], 0.5)
        reason = None
        if "here" in figures and figures["here"] * 2 < len(ran):
            reason = "the finaliser does not run in the thread that dropped the last reference"
        return Judged(
            "yes" if interval.value <= limit else "no",
            f"median time from the drop to {what}",
            interval.value,
            "s",
            _finite(interval.lo),
            _finite(interval.hi),
            reason,
        )

    return judge


def _finite(end: float | None) -> float | None:
    """An end of an interval that so few drops do not bound is not known."""
    return end if end is not None and math.isfinite(end) else None


def own_thread(figures: Figures) -> Judged:
    """Whether the finaliser runs in the thread that dropped the last reference."""
    ran = sum(delay is not None for delay in figures["delays"])
    measured = "finalisers that run in the thread of the drop"
    if not ran:
        return Judged(
            "no", measured, 0.0, "fraction", reason="no finaliser ran while the thread waited for it"
        )
    here = figures["here"]
    reason = (
        None if here else "another thread runs them: the one that made the object, or one of the collector"
    )
    return fraction(here, ran, measured, always(here, ran), reason)


def still_there(figures: Figures) -> Judged:
    """Whether attributes are there when an object ends."""
    if not figures["finalised"]:
        return _never_finalised(figures, "finalisers that found their attributes")
    return fraction(
        figures["there"],
        figures["finalised"],
        "finalisers that found their attributes",
        always(figures["there"], figures["finalised"]),
    )


def before_its_part(figures: Figures) -> Judged:
    """Whether an object ends before what it holds."""
    measured = "objects that ended before what they hold"
    if not figures["finalised"]:
        return _never_finalised(figures, measured)
    before, ended = figures["before_part"], figures["finalised"]
    reason = None if before == ended else f"in {ended - before} of {ended} what it holds had ended already"
    return fraction(before, ended, measured, always(before, ended), reason)


def _never_finalised(figures: Figures, measured: str) -> Judged:
    kept = figures.get("garbage")
    reason = (
        f"no finaliser was called: the cycles are kept in gc.garbage ({kept} objects)"
        if kept
        else "no finaliser was called"
    )
    return fraction(0, figures["dropped"], measured, "no", reason)


PARTS: Final = (
    Part("prompt.same_thread", "object, dropped by the thread that made it", promptness("the finaliser")),
    Part(
        "prompt.owner_busy",
        "object of a thread that computes, dropped by another",
        promptness("the finaliser"),
    ),
    Part(
        "prompt.owner_asleep",
        "object of a thread that waits, dropped by another",
        promptness("the finaliser"),
    ),
    Part("prompt.cycle", "cycle, while other objects are made", promptness("the finaliser", math.inf)),
    Part("prompt.file", "file, written to and not closed", promptness("the text")),
    Part("ordered.alone", "attributes in __del__", still_there),
    Part("ordered.before_part", "__del__ before that of what it holds", before_its_part, "ordered.alone"),
    Part("ordered.cycle", "attributes in __del__, in a cycle", still_there),
)
