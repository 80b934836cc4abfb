"""Finalisers and weak references under threads."""

from __future__ import annotations

from typing import Final

from gilbench.analyse.properties.destruction import own_thread
from gilbench.analyse.properties.judged import Figures, Judged, Part, always, fraction


def resurrection(figures: Figures) -> Judged:
    """Whether objects come back to life whole, under threads."""
    back, dropped = figures["back"], figures["dropped"]
    again = "once more when it is dropped again" if figures["ended_again"] else "once in its life"
    return fraction(
        back, dropped, "objects that came back whole", always(back, dropped), f"__del__ is called {again}"
    )


def no_deadlock(figures: Figures) -> Judged:
    """Whether a finaliser can meet a lock that its own thread holds."""
    measured = "finalisers that met a lock which their own thread held"
    if not figures["finalised"]:
        return Judged(
            "not here", measured, reason="no finaliser was called: there is nothing that could meet a lock"
        )
    stuck, ended = figures["stuck"], figures["finalised"]
    reason = (
        "with a lock that waits they would deadlock" if stuck else "they run when it is free, or elsewhere"
    )
    return fraction(stuck, ended, measured, "no" if stuck else "yes", reason)


def callbacks(figures: Figures) -> Judged:
    """Whether each callback is called once, when nothing can be reached any more."""
    called, references = figures["called"], figures["references"]
    good = min(figures["on_nothing"], references) if called <= references else 2 * references - called
    return fraction(
        max(0, good),
        references,
        "callbacks called once, on a dead reference",
        always(max(0, good), references),
    )


def weak_dictionary(figures: Figures) -> Judged:
    """Whether a weak dictionary keeps working, and empties in the end."""
    failures, operations = figures["failures"], figures["operations"]
    left = figures.get("left", 0)
    reason = figures["first"] or (f"{left} entries are left of dead objects" if left else None)
    return fraction(
        min(failures, operations),
        operations,
        "operations that failed",
        "no" if failures or left else "yes",
        reason,
    )


PARTS: Final = (
    Part("features.resurrection", "objects that bring themselves back to life", resurrection),
    Part("features.callbacks", "callbacks of weak references", callbacks),
    Part("features.weak_dictionary", "a weak dictionary: set and get", weak_dictionary),
    Part("features.weak_iteration", "a weak dictionary: list(values()) while others set", weak_dictionary),
    Part("features.lock_dropped", "no deadlock of an object dropped under a lock", no_deadlock),
    Part("features.lock_collected", "no deadlock of a cycle collected under a lock", no_deadlock),
    Part("features.own_thread", "finaliser in the thread of the drop", own_thread, "prompt.same_thread"),
    Part(
        "features.other_owner",
        "the same, of an object that another thread made",
        own_thread,
        "prompt.owner_busy",
    ),
)
