"""Whether calls release the GIL, and the slices that this is computed from.

Times are seconds, shares are 0 to 1.
"""

from __future__ import annotations

from typing import Literal

from gilbench.model.study import Case, Fraction, Interpreter, Positive, Seconds, Struct

Subject = Literal["call", "hold", "release"]  # the user's call, and the two controls of its length
Answer = Literal["yes", "no", "undecided", "n/a", "failed"]


class Metered(Struct, frozen=True):
    """What one thread did in a slice."""

    wall: Seconds
    cpu: Seconds
    queued: Seconds  # runnable, but without a CPU


class CallSlice(Struct, frozen=True):
    """A thread that repeated a call, and the thread that counted next to it."""

    wall: Seconds
    cpu: Seconds
    queued: Seconds
    calls: Positive
    counter: Metered | None = None  # None: the call was alone


class CallBlock(Struct, frozen=True):
    """The slices of one process, alone and next to a counter."""

    alone: dict[Subject, tuple[CallSlice, ...]]
    beside: dict[Subject, tuple[CallSlice, ...]]


class Release(Struct, frozen=True):
    """For how much of its time one call runs without the GIL, on one interpreter."""

    case: Case
    answer: Answer
    share: Fraction | None = None  # of the time of the call; None: not measured, like the next fields
    lo: Fraction | None = None  # 95% interval
    hi: Fraction | None = None
    seconds: Seconds | None = None  # length of the call alone
    blocks: int = 0
    control: Fraction | None = None  # share of a control that releases the GIL for its whole length
    queued: Fraction | None = None  # share of the time in which the counting thread waited for a CPU
    enabled_by: str | None = None  # module whose import switched the GIL of a free-threaded build on
    remark: str | None = None  # why it is so, in one sentence


class Releases(Struct, frozen=True):
    """The answers for one call on some interpreters."""

    gilbench: str
    created: str  # ISO 8601, UTC
    code: str  # package.module:function, or a statement
    at_least: Fraction  # smallest share that is a yes
    rows: tuple[Release, ...]
    interpreters: tuple[Interpreter, ...]
    interrupted: bool = False

    @property
    def answer(self) -> Answer:
        """The answer for all rows: no if any is no, and yes only if no row is open."""
        found = {row.answer for row in self.rows}
        order: tuple[Answer, ...] = ("no", "failed", "undecided", "yes")
        return next((answer for answer in order if answer in found), "n/a")

    @property
    def exit_code(self) -> int:
        """0 yes, or there is no GIL; 1 no; 3 undecided; 4 a call failed on some interpreter; 130 interrupted."""
        if self.interrupted:
            return 130
        return {"no": 1, "failed": 4, "undecided": 3}.get(self.answer, 0)
