"""Finalizers and weak references under threads."""

from __future__ import annotations

from gilbench.analyse.properties.judged import Figures, Judged, always, fraction


def resurrection(figures: Figures) -> Judged:
    """Whether objects are resurrected intact, with threads."""
    back, dropped = figures["back"], figures["dropped"]
    again = "again when the object is dropped again" if figures["ended_again"] else "once per object"
    return fraction(
        back, dropped, "objects resurrected intact", always(back, dropped), f"__del__ is called {again}"
    )


def no_deadlock(figures: Figures) -> Judged:
    """Whether a finalizer can meet a lock that its own thread holds."""
    measured = "finalizers that met a lock which their own thread held"
    if not figures["finalized"]:
        return Judged(
            "not here", measured, reason="no finalizer was called: there is nothing that could meet a lock"
        )
    stuck, ended = figures["stuck"], figures["finalized"]
    reason = (
        "a blocking acquire would deadlock"
        if stuck
        else "they run when the lock is free, or in another thread"
    )
    return fraction(stuck, ended, measured, "no" if stuck else "yes", reason)


def callbacks(figures: Figures) -> Judged:
    """Whether each callback is called once, on a dead reference."""
    called, references = figures["called"], figures["references"]
    good = min(figures["on_nothing"], references) if called <= references else 2 * references - called
    return fraction(
        max(0, good),
        references,
        "callbacks called once, on a dead reference",
        always(max(0, good), references),
    )


def weak_dictionary(figures: Figures) -> Judged:
    """Whether a weak dictionary keeps working and ends up empty."""
    failures, operations = figures["failures"], figures["operations"]
    left = figures.get("left", 0)
    reason = figures["first"] or (f"{left} entries of dead objects remain" if left else None)
    return fraction(
        min(failures, operations),
        operations,
        "failed operations",
        "no" if failures or left else "yes",
        reason,
    )
