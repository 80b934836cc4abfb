"""Indexes the runs of a study by case and block, and computes ratios within blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from gilbench.analyse.stats.estimates import block_log_ratio
from gilbench.analyse.stats.trains import TrainRatio, has_pauses, train_ratio
from gilbench.model.study import Case, Plan, Run, Slice, Train
from gilbench.plan.commands import PARAMETER, command_of


class BlockKey(NamedTuple):
    """One attempt at a block. A restarted block has another key."""

    block: int
    attempt: int


CaseRuns = Mapping[BlockKey, Run]


class Blocks:
    """An index of the runs with slices.

    Args:
        plan: The plan.
        runs: Runs of the plan; failed runs are ignored.
    """

    def __init__(self, plan: Plan, runs: Iterable[Run]) -> None:
        self.plan = plan
        self._runs: dict[Case, dict[BlockKey, Run]] = {case: {} for case in plan.cases}
        self._trains: dict[Case, dict[BlockKey, Train]] = {case: {} for case in plan.cases}
        for run in sorted(runs, key=lambda run: (run.block, run.attempt)):
            if run.failure is None:
                case, key = self.plan.cases[run.case], BlockKey(run.block, run.attempt)
                if run.slices:
                    self._runs[case][key] = run
                if run.train is not None:
                    self._trains[case][key] = run.train

    def cases(self) -> list[Case]:
        """Return the cases with at least one run, in the order of the plan."""
        return [case for case, runs in self._runs.items() if runs]

    def runs(self, case: Case) -> CaseRuns:
        """Return the runs of a case with long slices in the order of time; none for a case that is not in the plan."""
        return self._runs.get(case, {})

    def last(self, case: Case) -> int:
        """Return the number of the last block with a case, counted from 0; 0: there is none."""
        keys = [*self._runs.get(case, ()), *self._trains.get(case, ())]
        return max((key.block for key in keys), default=0)

    def trains(self, case: Case) -> list[Train]:
        """Return the trains of a case in the order of time."""
        return list(self._trains.get(case, {}).values())

    def sibling(self, case: Case, **changes: object) -> Case | None:
        """Return the case that differs from this one only in the given fields; None: it has no runs."""
        other: Case = msgspec.structs.replace(case, **changes)
        return other if self._runs.get(other) else None

    def reference(self, case: Case) -> Case | None:
        """Return the same case on the reference. A reference with a fixed GIL mode or JIT runs as it is."""
        name = self.plan.reference
        if case.interpreter == name:
            return self._first_command(case)
        fixed: tuple[dict[str, None], ...] = ({}, {"gil": None}, {"jit": None}, {"gil": None, "jit": None})
        siblings = (self.sibling(case, interpreter=name, **modes) for modes in fixed)
        return next((one for one in siblings if one is not None), None)

    def reference_name(self, case: Case) -> str:
        """Return the name of what a case is compared with: the reference, or on the reference, the first command."""
        first = self._first_command(case) if case.interpreter == self.plan.reference else None
        return self.plan.reference if first is None else str(self.plan.command)

    def _first_command(self, case: Case) -> Case | None:
        """Return the same case with the first of several commands; None: it is that one."""
        if self.plan.command is None or command_of(case) in {None, self.plan.command}:
            return None
        parameters = {**dict(case.parameters), PARAMETER: self.plan.command}
        return self.sibling(case, parameters=tuple(sorted(parameters.items())))

    def throughput_log_ratios(self, case: Case, reference: Case) -> dict[BlockKey, float]:
        """Return one log-ratio of throughput for each block with both cases, in the order of time.

        It is that of the short slices if both cases served trains together, else that of the long slices.
        """
        trains = self.train_ratios(case, reference)
        if not trains:
            return dict(self.keyed_log_ratios(case, reference, throughput))
        pauses = has_pauses(list(trains.values()))
        return {key: ratio.total if pauses else ratio.typical for key, ratio in trains.items()}

    def train_ratios(self, case: Case, reference: Case) -> dict[BlockKey, TrainRatio]:
        """Return the ratios of throughput of each train with both cases, in the order of time."""
        ours, theirs = self._trains.get(case, {}), self._trains.get(reference, {})
        return {key: train_ratio(train, theirs[key]) for key, train in ours.items() if key in theirs}

    def log_ratios(self, case: Case, reference: Case, value: Callable[[Slice], float]) -> list[float]:
        """Return one log-ratio for each block with both cases, in the order of time."""
        return [ratio for _, ratio in self.keyed_log_ratios(case, reference, value)]

    def keyed_log_ratios(
        self, case: Case, reference: Case, value: Callable[[Slice], float]
    ) -> list[tuple[BlockKey, float]]:
        """Return one log-ratio with its block for each block with both cases, from slices of the same rounds.

        If they share no round, or the case is observed (with a single slice), the means of their slices are compared.
        """
        ratios = []
        ours, theirs = self.runs(case), self.runs(reference)
        for key in ours:
            if key not in theirs:
                continue
            left = {slice_.round: value(slice_) for slice_ in ours[key].slices}
            right = {slice_.round: value(slice_) for slice_ in theirs[key].slices}
            common = sorted(left.keys() & right.keys())
            if common and not case.observers:
                pairs = [left[round_] for round_ in common], [right[round_] for round_ in common]
            else:
                pairs = [_mean(left.values())], [_mean(right.values())]
            ratios.append((key, float(block_log_ratio(*pairs))))
        return ratios


def throughput(slice_: Slice) -> float:
    """Return operations per second while all threads were busy; NaN: nothing was counted."""
    return slice_.operations / slice_.window if slice_.window > 0 else math.nan


def background_throughput(slice_: Slice) -> float:
    """Return operations per second of the added threads."""
    return sum(thread.total / (thread.finish - thread.start) for thread in slice_.threads)


def cpu_utilisation(slice_: Slice) -> float:
    """Return CPU time of the process per second of the slice; NaN: unknown."""
    return math.nan if slice_.cpu is None else slice_.cpu / (slice_.end - slice_.start)


def block_logs(runs: CaseRuns, value: Callable[[Slice], float]) -> list[float]:
    """Return the log of a positive value for each block, with its slices reduced like those of ratios."""
    return [
        float(block_log_ratio([value(slice_) for slice_ in run.slices], [1.0] * len(run.slices)))
        for run in runs.values()
    ]


def log(value: float) -> float:
    """Return the logarithm; NaN if the value is not positive."""
    return math.log(value) if value > 0 else math.nan


def _mean(values: Iterable[float]) -> float:
    figures = list(values)
    return sum(figures) / len(figures)
