"""Blocks of interleaved slices: the effort levels, the seeded order of slices, and the estimated duration."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gilbench.model.study import Case, Effort, Interpreter, Plan, Workload
from gilbench.plan import counting

EFFORTS = {
    effort.name: effort
    for effort in (
        Effort(
            name="quick",
            blocks=5,
            slices=4,
            slice_seconds=0.04,
            latency_seconds=0.3,
            warmup_seconds=2.0,
            few_choices=True,
        ),
        Effort(
            name="standard", blocks=12, slices=8, slice_seconds=0.05, latency_seconds=0.6, warmup_seconds=4.0
        ),
        Effort(
            name="rigorous", blocks=30, slices=12, slice_seconds=0.06, latency_seconds=1.5, warmup_seconds=8.0
        ),
    )
}
LATENCY_SLICES = 1  # slices of an open-loop run, which are long
MOST_ROUNDS = 4  # times the rounds of the effort level, in a block of few cases, where startup dominates
OBSERVED_FACTOR = 4  # an observed run is longer by this factor, since samplers need time

# Seconds of a process in addition to its slices, measured on a VM with 2 CPUs; used for the estimate only.
_START_SECONDS = {"Jython": 1.6, "PyPy": 0.25}
_START_DEFAULT = 0.10
_SLICE_OVERHEAD = 0.004
_SERVICE_OVERHEAD = 0.05
_SCHEDULE_FACTOR = 1.15  # for late answers
_ATTACH_SECONDS = 0.5


class Group(NamedTuple):
    """The interleaved cases of one workload in one block, by their index in the plan."""

    block: int
    workload: str
    cases: tuple[int, ...]


def make_plan(
    cases: Sequence[Case],
    *,
    effort: Effort,
    interpreters: Sequence[Interpreter],
    workloads: Sequence[Workload],
    reference: str,
    seed: int,
    cpus: Sequence[int] | None = None,
    budget: float | None = None,
) -> Plan:
    """Plan some cases.

    Args:
        cases: The cases; see ``axes.cases``.
        effort: The effort level.
        interpreters: Interpreters of the cases.
        workloads: Workloads of the cases.
        reference: Name of the interpreter that the others are compared with.
        seed: Seed of random orders and schedules.
        cpus: CPUs that may be used; None: those that this process may use.
        budget: Seconds after which no block starts; None: all blocks of the effort level are run.
    """
    by_name = {workload.name: workload for workload in workloads}
    names = {interpreter.name: interpreter for interpreter in interpreters}
    return Plan(
        effort=effort,
        cases=tuple(cases),
        seed=seed,
        reference=reference,
        cpus=tuple(cpus if cpus is not None else sorted(os.sched_getaffinity(0))),
        seconds=budget or sum(_case_seconds(case, effort, by_name, names) for case in cases),
        budget=budget,
    )


def groups(plan: Plan) -> Iterator[Group]:
    """Yield all groups in the order of execution: block by block, with the workloads of each block shuffled.

    Counted cases are in no group.
    """
    by_workload: dict[str, list[int]] = {}
    for index, case in enumerate(plan.cases):
        if not counting.is_counted(case):
            by_workload.setdefault(case.workload, []).append(index)
    for block in range(plan.effort.blocks):
        names = sorted(by_workload)
        random.Random(f"{plan.seed}/{block}").shuffle(names)
        for name in names:
            yield Group(block, name, tuple(by_workload[name]))


def slice_order(plan: Plan, group: Group, attempt: int, workload: Workload) -> list[tuple[int, int]]:
    """Return all slices of a group as ``(round, case)``. Each round has every case once, in its own random order.

    A group with only some cases of its workload, the inconclusive ones, gets more rounds.

    An observed case has one long slice in the middle round. Its observer runs during that slice only, so it does not
    disturb the slices of other cases.
    """
    rng = random.Random(f"{plan.seed}/{group.block}/{group.workload}/{attempt}")
    cases = sum(case.workload == group.workload and not counting.is_counted(case) for case in plan.cases)
    more = max(1, min(MOST_ROUNDS, cases // len(group.cases)))
    rounds = more * (LATENCY_SLICES if workload.peer or workload.scheduled else plan.effort.slices)
    slices = []
    for round_ in range(rounds):
        order = [index for index in group.cases if round_ == rounds // 2 or not plan.cases[index].observers]
        rng.shuffle(order)
        slices += [(round_, index) for index in order]
    return slices


def slice_seconds(case: Case, effort: Effort) -> float:
    """Return the length of a timed slice in s. Each thread should acquire the GIL several times in it."""
    factor = OBSERVED_FACTOR * effort.slices if case.observers else 1
    return effort.slice_seconds * max(1.0, case.threads / 2) * factor


def _case_seconds(
    case: Case, effort: Effort, workloads: Mapping[str, Workload], interpreters: Mapping[str, Interpreter]
) -> float:
    """Return the seconds of all runs of a case."""
    if counting.is_counted(case):
        return counting.SECONDS
    return effort.blocks * _run_seconds(case, effort, workloads, interpreters)


def _run_seconds(
    case: Case, effort: Effort, workloads: Mapping[str, Workload], interpreters: Mapping[str, Interpreter]
) -> float:
    workload, build = workloads[case.workload], interpreters[case.interpreter].build
    seconds = slice_seconds(case, effort)
    start = _START_SECONDS.get(build.implementation, _START_DEFAULT)
    if workload.peer or workload.scheduled:
        scheduled = max(effort.latency_seconds, workload.least_seconds)
        closed = 0.0 if workload.scheduled or workload.driver == "signals" else seconds
        return start + LATENCY_SLICES * (closed + _SCHEDULE_FACTOR * scheduled + _SERVICE_OVERHEAD)
    if case.observers:
        return start + seconds + _ATTACH_SECONDS
    warm_up = effort.warmup_seconds if build.jit else seconds
    return start + warm_up + effort.slices * (seconds + _SLICE_OVERHEAD)
