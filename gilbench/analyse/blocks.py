"""The runs of a study, arranged by case and block: one value per block, and ratios taken inside blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from gilbench.analyse.estimates import block_log_ratio
from gilbench.model import Case, Plan, Run, Slice


class BlockKey(NamedTuple):
    """A block as it was really run: a block that was begun anew is another one."""

    block: int
    attempt: int


CaseRuns = Mapping[BlockKey, Run]


class Blocks:
    """Index of the runs that gave slices.

    Args:
        plan: What was to be run.
        runs: What was measured of it; failed runs are left out.
    """

    def __init__(self, plan: Plan, runs: Iterable[Run]) -> None:
        self.plan = plan
        self._runs: dict[Case, dict[BlockKey, Run]] = {case: {} for case in plan.cases}
        for run in sorted(runs, key=lambda run: (run.block, run.attempt)):
            if run.failure is None and run.slices:
                self._runs[self.plan.cases[run.case]][BlockKey(run.block, run.attempt)] = run

    def cases(self) -> list[Case]:
        """Cases of which there is at least one run, in the order of the plan."""
        return [case for case, runs in self._runs.items() if runs]

    def runs(self, case: Case) -> CaseRuns:
        """Runs of a case in the order of time; none for a case that is not in the plan."""
        return self._runs.get(case, {})

    def sibling(self, case: Case, **changes: object) -> Case | None:
        """The case that differs from this one in the named fields only, where it was run."""
        other: Case = msgspec.structs.replace(case, **changes)
        return other if self._runs.get(other) else None

    def reference(self, case: Case) -> Case | None:
        """The same case on the reference interpreter; a reference whose GIL cannot be switched is as it is."""
        name = self.plan.reference
        if case.interpreter == name:
            return None
        return self.sibling(case, interpreter=name) or self.sibling(case, interpreter=name, gil=None)

    def log_ratios(self, case: Case, reference: Case, value: Callable[[Slice], float]) -> list[float]:
        """One log-ratio for each block in which both were run, in the order of time."""
        return [ratio for _, ratio in self.keyed_log_ratios(case, reference, value)]

    def keyed_log_ratios(
        self, case: Case, reference: Case, value: Callable[[Slice], float]
    ) -> list[tuple[BlockKey, float]]:
        """The same with the block of each, from slices of the same round.

        Where the two have no round in common (an observed run has but one), their means are compared.
        """
        ratios = []
        ours, theirs = self.runs(case), self.runs(reference)
        for key in ours:
            if key not in theirs:
                continue
            left = {piece.round: value(piece) for piece in ours[key].slices}
            right = {piece.round: value(piece) for piece in theirs[key].slices}
            common = sorted(left.keys() & right.keys())
            if common and not case.observers:
                pairs = [left[turn] for turn in common], [right[turn] for turn in common]
            else:
                pairs = [_mean(left.values())], [_mean(right.values())]
            ratios.append((key, float(block_log_ratio(*pairs))))
        return ratios

    def slice_log_ratios(
        self, case: Case, reference: Case, value: Callable[[Slice], float]
    ) -> dict[BlockKey, dict[int, float]]:
        """One log-ratio for each pair of slices that were taken side by side, by block and round."""
        ours, theirs = self.runs(case), self.runs(reference)
        found = {}
        for key in ours:
            if key in theirs:
                right = {piece.round: piece for piece in theirs[key].slices}
                found[key] = {
                    piece.round: _log(value(piece)) - _log(value(right[piece.round]))
                    for piece in ours[key].slices
                    if piece.round in right
                }
        return found


def throughput(piece: Slice) -> float:
    """Operations per second while all threads were busy; NaN where nothing was counted."""
    return piece.operations / piece.window if piece.window > 0 else math.nan


def background_throughput(piece: Slice) -> float:
    """Operations per second of the CPU-bound threads beside a service."""
    return sum(thread.total / (thread.finish - thread.start) for thread in piece.threads)


def cpu_utilisation(piece: Slice) -> float:
    """CPU seconds of the process per second of the slice; NaN where the kernel did not say."""
    return math.nan if piece.cpu is None else piece.cpu / (piece.end - piece.start)


def block_logs(runs: CaseRuns, value: Callable[[Slice], float]) -> list[float]:
    """Log of a positive figure, one for each block, its slices reduced as ratios are."""
    return [
        float(block_log_ratio([value(piece) for piece in run.slices], [1.0] * len(run.slices)))
        for run in runs.values()
    ]


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


def _mean(values: Iterable[float]) -> float:
    figures = list(values)
    return sum(figures) / len(figures)
