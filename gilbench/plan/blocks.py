"""Blocks of interleaved slices: the effort levels, the seeded order of slices, and the estimated duration."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

import msgspec

from gilbench.host.topology import allowed_cpus, read_topology
from gilbench.model.cores import measured_cpus
from gilbench.model.study import Case, Effort, Interpreter, Plan, Workload
from gilbench.plan import counting
from gilbench.plan.commands import reference_command

EFFORTS = {
    effort.name: effort
    for effort in (
        Effort(
            name="quick",
            blocks=10,
            slices=4,
            slice_seconds=0.04,
            latency_seconds=0.3,
            warmup_seconds=2.0,
            few_choices=True,
            long_every=2,
            train_seconds=0.08,
        ),
        Effort(
            name="standard",
            blocks=24,
            slices=8,
            slice_seconds=0.05,
            latency_seconds=0.6,
            warmup_seconds=4.0,
            long_every=2,
            train_seconds=0.1,
        ),
        Effort(
            name="rigorous",
            blocks=60,
            slices=12,
            slice_seconds=0.06,
            latency_seconds=1.5,
            warmup_seconds=8.0,
            long_every=2,
            train_seconds=0.12,
        ),
    )
}
EXPLAINING = Effort(  # of observed runs, one slice of 0.8 s each
    name="explaining", blocks=4, slices=1, slice_seconds=0.2, latency_seconds=0.8, warmup_seconds=2.0
)
LATENCY_SLICES = 1  # slices of an open-loop run, which are long
MOST_ROUNDS = 4  # times the rounds of the effort level, in a block of few cases, where startup dominates
ROUNDS_BESIDE_TRAIN = 1  # if a train compares all cases: long slices only show throughput and CPU time
OBSERVED_FACTOR = 4  # an observed run is longer by this factor, since samplers need time

# Seconds of a process in addition to its slices, measured on a VM with 2 CPUs; used for the estimate only.
_START_SECONDS = {"IronPython": 2.0, "Jython": 1.6, "PyPy": 0.25}
_START_DEFAULT = 0.10
_SHORT_START = 0.06  # in a block of trains alone
_TRAIN_FACTOR = 1.4  # trial, hand-overs, untimed operations
_SLICE_OVERHEAD = 0.004
_SERVICE_OVERHEAD = 0.05
_SCHEDULE_FACTOR = 1.15  # for late answers
_ATTACH_SECONDS = 0.5


class Group(NamedTuple):
    """The interleaved cases of one workload in one block, by their index in the plan."""

    block: int
    workload: str
    cases: tuple[int, ...]
    long: bool = True  # has long slices, too; otherwise, its processes serve only a train


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
        cpus: CPUs that may be used; None: of those that this process may use, those of one kind.
        budget: Seconds after which no block starts; None: all blocks of the effort level are run.
    """
    by_name = {workload.name: workload for workload in workloads}
    number = attrgetter("number")
    names = {interpreter.name: interpreter for interpreter in interpreters}
    plan = Plan(
        effort=effort,
        cases=tuple(cases),
        seed=seed,
        reference=reference,
        cpus=tuple(cpus if cpus is not None else map(number, measured_cpus(read_topology(allowed_cpus())))),
        seconds=0.0,
        budget=budget,
        command=reference_command(cases),
    )
    return msgspec.structs.replace(plan, seconds=budget or plan_seconds(plan, by_name, names))


def groups(plan: Plan, short: Mapping[str, frozenset[int]]) -> Iterator[Group]:
    """Yield all groups in the order of execution: block by block, with the workloads of each block shuffled.

    Counted cases are in no group.

    Args:
        plan: The plan.
        short: For each workload, the cases that blocks without long slices run, too; see ``short_cases``.
    """
    by_workload: dict[str, list[int]] = {}
    for index, case in enumerate(plan.cases):
        if not counting.is_counted(case):
            by_workload.setdefault(case.workload, []).append(index)
    for block in range(plan.effort.blocks):
        long = block % plan.effort.long_every == 0
        names = sorted(by_workload)
        random.Random(f"{plan.seed}/{block}").shuffle(names)
        for name in names:
            cases = tuple(
                index for index in by_workload[name] if long or index in short.get(name, frozenset())
            )
            if cases:
                yield Group(block, name, cases, long)


def count_runs(plan: Plan, workloads: Mapping[str, Workload], interpreters: Mapping[str, Interpreter]) -> int:
    """Return the number of runs of a plan."""
    short = short_cases(plan, workloads, {name for name, one in interpreters.items() if one.build.jit})
    return sum(len(group.cases) for group in groups(plan, short))


def train_cases(
    plan: Plan, workload: Workload, cases: Sequence[int], without_jit: Collection[str] | None = None
) -> frozenset[int]:
    """Return the cases of a workload whose workers serve a train together; empty: no train.

    One thread alone on its CPU can be measured in short slices. Several threads need slices of several switch
    intervals, and requests and signals follow a schedule. A train is of use only for a comparison with the reference.

    Args:
        plan: The plan.
        workload: The workload.
        cases: Cases of the workload, by their index in the plan.
        without_jit: Leave out cases with a JIT compiler; these are the interpreters whose JIT is on by default. None:
            no case is left out.
    """
    if workload.driver != "parallel" or not plan.effort.train_seconds or workload.operation_seconds:
        return frozenset()
    found = [
        index
        for index in cases
        if (case := plan.cases[index]).threads == 1
        and case.cpus in {None, 1}
        and not case.observers
        and not (without_jit is not None and compiles(case, without_jit))
    ]
    sides = {plan.cases[index].interpreter == plan.reference for index in found}
    return frozenset(found) if len(sides) > 1 else frozenset()


def compiles(case: Case, jit: Collection[str]) -> bool:
    """Return whether a JIT compiler is on in a case.

    Args:
        case: The case.
        jit: Names of interpreters whose JIT compiler is on by default.
    """
    return case.interpreter in jit if case.jit is None else case.jit


def short_cases(
    plan: Plan, workloads: Mapping[str, Workload], jit: Collection[str] | None
) -> dict[str, frozenset[int]]:
    """Return for each workload the cases of blocks without long slices.

    They are those of a train, but not those with a JIT compiler: to warm up again would take longer than the train.

    Args:
        plan: The plan.
        workloads: Declarations by name.
        jit: Names of interpreters whose JIT compiler is on by default; None: cases with a JIT compiler stay, too.
    """
    found: dict[str, frozenset[int]] = {}
    for name in dict.fromkeys(case.workload for case in plan.cases):
        cases = [index for index, case in enumerate(plan.cases) if case.workload == name]
        found[name] = train_cases(plan, workloads[name], cases, jit)
    return found


def slice_order(plan: Plan, group: Group, attempt: int, workload: Workload) -> list[tuple[int, int]]:
    """Return all slices of a group as ``(round, case)``. Each round has every case once, in its own random order.

    A group with only some cases of its workload, the inconclusive ones, gets more rounds. A short block has none.

    A case whose slices are long, because of its many threads, takes part in fewer rounds.

    An observed case has one long slice in the middle round. Its observer runs during that slice only, so it does not
    disturb the slices of other cases.
    """
    if not group.long:
        return []
    rng = random.Random(f"{plan.seed}/{group.block}/{group.workload}/{attempt}")
    cases = sum(case.workload == group.workload and not counting.is_counted(case) for case in plan.cases)
    more = max(1, min(MOST_ROUNDS, cases // len(group.cases)))
    rounds = more * (LATENCY_SLICES if workload.peer or workload.scheduled else plan.effort.slices)
    rounds = _fewer(rounds, plan.effort, workload)
    if train_cases(plan, workload, group.cases) == frozenset(group.cases):
        rounds = min(rounds, ROUNDS_BESIDE_TRAIN)
    present = {index: _rounds(plan.cases[index], rounds) for index in group.cases}
    slices = []
    for round_ in range(rounds):
        order = [index for index in group.cases if round_ in present[index]]
        rng.shuffle(order)
        slices += [(round_, index) for index in order]
    return slices


def slice_seconds(case: Case, effort: Effort) -> float:
    """Return the length of a timed slice in s. Each thread should acquire the GIL at least twice in it."""
    factor = OBSERVED_FACTOR * effort.slices if case.observers else 1
    return effort.slice_seconds * _lengthened(case.threads) * factor


def _lengthened(threads: int) -> float:
    """Return the length of a slice relative to that of one or two threads.

    In a slice of 40 ms, two threads that switch every 5 ms acquire the GIL four times each; so do four threads in
    80 ms. Eight and more threads acquire it twice.
    """
    return max(1.0, min(threads / 2, 2.0), threads / 4)


def _rounds(case: Case, rounds: int) -> set[int]:
    """Return the rounds in which a case has a slice, evenly spread: with longer slices, so many fewer."""
    longer = max(1.0, _lengthened(case.threads) / 2)
    count = 1 if case.observers else max(1, round(rounds / longer))
    return {int((number + 0.5) * rounds / count) for number in range(count)}


def _fewer(rounds: int, effort: Effort, workload: Workload) -> int:
    """Return the number of rounds: if one operation is longer than a slice, so many fewer, and at least one."""
    longer = max(1.0, workload.operation_seconds / effort.slice_seconds)
    return max(1, round(rounds / longer))


def plan_seconds(
    plan: Plan, workloads: Mapping[str, Workload], interpreters: Mapping[str, Interpreter]
) -> float:
    """Estimate the duration of a plan without a budget, in seconds."""
    effort = plan.effort
    jit = {name for name, one in interpreters.items() if one.build.jit}
    in_trains = sum(map(len, short_cases(plan, workloads, None).values()))
    in_short_blocks = sum(map(len, short_cases(plan, workloads, jit).values()))
    train = _TRAIN_FACTOR * effort.train_seconds
    long = math.ceil(effort.blocks / effort.long_every)
    timed = [case for case in plan.cases if not counting.is_counted(case)]
    return (
        long_slices_seconds(timed, effort, workloads, interpreters)
        + long * train * in_trains
        + (effort.blocks - long) * in_short_blocks * (_SHORT_START + train)
        + (len(plan.cases) - len(timed)) * counting.SECONDS
    )


def long_slices_seconds(
    cases: Iterable[Case],
    effort: Effort,
    workloads: Mapping[str, Workload],
    interpreters: Mapping[str, Interpreter],
) -> float:
    """Estimate the duration of all long slices of some cases, with the start of their workers, in seconds."""
    blocks = math.ceil(effort.blocks / effort.long_every)
    return blocks * sum(_run_seconds(case, effort, workloads, interpreters) for case in cases)


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
    jit = compiles(case, {case.interpreter} if build.jit else ())
    warm_up = effort.warmup_seconds if jit else effort.slice_seconds / 2
    rounds = len(_rounds(case, _fewer(effort.slices, effort, workload)))
    if (
        workload.operation_seconds
    ):  # the first one is the warm-up; if threads wait for the GIL, they take turns
        seconds, warm_up = (case.threads * workload.operation_seconds,) * 2
    return start + warm_up + rounds * (seconds + _SLICE_OVERHEAD)
