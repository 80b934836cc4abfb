"""Why a case regressed: the differences between both sides that stand out, and the causes."""

from __future__ import annotations

from typing import Literal

from gilbench.model.study import Case, Struct

Quantity = Literal[
    "time",  # of all threads that work, in s per operation; while they have a CPU; so are the next nine
    "held",  # holding the GIL
    "wait",  # waiting for the GIL; free-threaded: parked
    "off",  # on the CPU without the GIL
    "blocked",  # off the CPU, neither holding nor waiting
    "lock_wait",  # waiting for other locks
    "collecting",  # garbage
    "call_time",  # in one system call
    "function",  # holding the GIL in one function
    "native",  # holding the GIL in one function in C
    "place",  # in one function, holding, waiting, or blocked
    "instructions",  # in one function, per operation, on one thread; without a function: in all
    "calls",  # of one system call, per operation; so are the next four
    "lock_waits",
    "collections",
    "switches",  # context switches
    "acquires",  # of the GIL
    "memory",  # peak, in B
]
Kind = Literal[
    "held call",  # a call in C no longer releases the GIL
    "lock",
    "collections",
    "system calls",
    "slow system call",
    "function",
    "native code",
    "gil wait",
    "blocked",
]


class Deviation(Struct, frozen=True):
    """One quantity on both sides that differs by more than chance and the threshold explain."""

    quantity: Quantity
    subject: str  # a function or a system call; else empty
    unit: str
    before: float
    after: float
    lo: float | None  # 95% interval of the difference
    hi: float | None


class Cause(Struct, frozen=True):
    """What made a case slower, in one sentence."""

    kind: Kind
    text: str
    share: float  # of the additional time, or of the additional instructions if no time stands out


class Explanation(Struct, frozen=True):
    """Why a case regressed."""

    case: Case  # of the candidate
    rounds: int  # observed runs of each side
    causes: tuple[Cause, ...]  # the most important first; empty: nothing stands out
    changes: tuple[Deviation, ...]
    missing: tuple[str, ...] = ()  # what was not observed, and why
