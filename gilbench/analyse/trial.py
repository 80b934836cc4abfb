"""A workload tried on interpreters: does it work, does its checksum agree, are its operations of a good length?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from gilbench.axes import variant
from gilbench.model import Plan, Run, Struct, Workload

FAILED = "failed"
SHORTEST, LONGEST = 2e-6, 0.01
"""Seconds of an operation: shorter, and calling it is what is measured; longer, and slices hold too few of them."""


class Trial(Struct, frozen=True):
    """How a workload did on one interpreter."""

    workload: str
    interpreter: str
    outcome: Literal["ok", "failed", "unsupported", "too short", "too long"]
    detail: str  # why; or the checksum
    operation: float | None = None  # s, at the fewest threads


def trials(workload: Workload, plan: Plan, runs: Sequence[Run]) -> Iterator[Trial]:
    """Sum up the runs of one workload, one line for each interpreter."""
    for name in dict.fromkeys(variant(case) for case in plan.cases):
        mine = [run for run in runs if variant(plan.cases[run.case]) == name]
        failure = next((run.failure for run in mine if run.failure is not None), None)
        if failure is not None:
            outcome: Literal["failed", "unsupported"] = (
                "unsupported" if failure.kind == "unsupported" else "failed"
            )
            yield Trial(
                workload=workload.name,
                interpreter=name,
                outcome=outcome,
                detail=f"{failure.kind}: {failure.message}",
            )
            continue
        pieces = [piece for run in mine for piece in run.slices]
        if not pieces:
            yield Trial(
                workload=workload.name, interpreter=name, outcome="failed", detail="no slice was served"
            )
            continue
        fewest = min(len(piece.threads) for piece in pieces)
        lengths = [
            piece.window * len(piece.threads) / piece.operations
            for piece in pieces
            if workload.driver == "parallel" and len(piece.threads) == fewest and piece.operations
        ]
        length = min(lengths, default=None)
        yield Trial(
            workload=workload.name,
            interpreter=name,
            outcome="ok" if length is None or SHORTEST <= length <= LONGEST else _length(length),
            detail=pieces[0].checksum,
            operation=length,
        )


def _length(seconds: float) -> Literal["too short", "too long"]:
    return "too short" if seconds < SHORTEST else "too long"
