"""Tests of workloads: whether each works on an interpreter, and how long its operations are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from gilbench.model.listings import WorkloadTest
from gilbench.model.study import Plan, Run, Workload
from gilbench.plan.axes import variant

FAILED = "failed"
SHORTEST, LONGEST = 2e-6, 0.01
"""Length of an operation in s. Calls would dominate shorter ones; a slice would have too few longer ones."""


def workload_tests(workload: Workload, plan: Plan, runs: Sequence[Run]) -> Iterator[WorkloadTest]:
    """Summarize the runs of one workload, one test per interpreter."""
    for name in dict.fromkeys(variant(case) for case in plan.cases):
        mine = [run for run in runs if variant(plan.cases[run.case]) == name]
        failure = next((run.failure for run in mine if run.failure is not None), None)
        if failure is not None:
            outcome: Literal["failed", "unsupported"] = (
                "unsupported" if failure.kind == "unsupported" else "failed"
            )
            yield WorkloadTest(
                workload=workload.name,
                interpreter=name,
                outcome=outcome,
                detail=f"{failure.kind}: {failure.message}",
            )
            continue
        slices = [slice_ for run in mine for slice_ in run.slices]
        if not slices:
            yield WorkloadTest(
                workload=workload.name, interpreter=name, outcome="failed", detail="no slice was measured"
            )
            continue
        fewest = min(len(slice_.threads) for slice_ in slices)
        lengths = [
            slice_.window * len(slice_.threads) / slice_.operations
            for slice_ in slices
            if workload.driver == "parallel" and len(slice_.threads) == fewest and slice_.operations
        ]
        length = min(lengths, default=None)
        yield WorkloadTest(
            workload=workload.name,
            interpreter=name,
            outcome="ok" if length is None or SHORTEST <= length <= LONGEST else _length(length),
            detail=slices[0].checksum,
            operation=length,
        )


def _length(seconds: float) -> Literal["too short", "too long"]:
    return "too short" if seconds < SHORTEST else "too long"
