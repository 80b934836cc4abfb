"""The blocks of interleaved slices in which cases are run, in a seeded order, and how long they take."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gilbench.model import Case, Interpreter, Plan, Profile, Workload

PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="quick",
            blocks=5,
            slices=4,
            slice_seconds=0.04,
            latency_seconds=0.3,
            warmup_seconds=2.0,
            few_choices=True,
        ),
        Profile(
            name="standard", blocks=12, slices=8, slice_seconds=0.05, latency_seconds=0.6, warmup_seconds=4.0
        ),
        Profile(
            name="rigorous", blocks=30, slices=12, slice_seconds=0.06, latency_seconds=1.5, warmup_seconds=8.0
        ),
    )
}
LATENCY_SLICES = 1  # of a run that is served on schedule: its slices are long
MOST_TURNS = 4  # times as many as the profile's, in a block of few cases: what is dear there is coming up
OBSERVED_FACTOR = 4  # an observed run is this much longer: a sampler needs more time than a clock does

# What a process costs beside its slices, in s: seen on a 2-core VM, for the estimate only.
_START_SECONDS = {"Jython": 1.6, "PyPy": 0.25}
_START_DEFAULT = 0.10
_SLICE_OVERHEAD = 0.004
_SERVICE_OVERHEAD = 0.05
_SCHEDULE_FACTOR = 1.15  # what comes late is waited for
_ATTACH_SECONDS = 0.5


class Group(NamedTuple):
    """The cases of one block that are interleaved: those of one workload, by their place in the plan."""

    block: int
    workload: str
    cases: tuple[int, ...]


def make_plan(
    cases: Sequence[Case],
    *,
    profile: Profile,
    interpreters: Sequence[Interpreter],
    workloads: Sequence[Workload],
    reference: str,
    seed: int,
    cpus: Sequence[int] | None = None,
    budget: float | None = None,
) -> Plan:
    """Plan the given cases.

    Args:
        cases: The matrix; see ``axes.cases``.
        profile: How much effort is spent.
        interpreters: Those that the cases name.
        workloads: Those that the cases name.
        reference: Name of the interpreter that the others are divided by.
        seed: Of every random order and schedule.
        cpus: CPUs that may be used; None: those that this process may use.
        budget: Seconds after which no block is begun; None: all blocks of the profile are run.
    """
    by_name = {workload.name: workload for workload in workloads}
    names = {interpreter.name: interpreter for interpreter in interpreters}
    return Plan(
        profile=profile,
        cases=tuple(cases),
        seed=seed,
        reference=reference,
        cpus=tuple(cpus if cpus is not None else sorted(os.sched_getaffinity(0))),
        seconds=budget or profile.blocks * sum(_run_seconds(case, profile, by_name, names) for case in cases),
        budget=budget,
    )


def groups(plan: Plan) -> Iterator[Group]:
    """All groups in the order in which they are run: block by block, the workloads of each shuffled."""
    by_workload: dict[str, list[int]] = {}
    for index, case in enumerate(plan.cases):
        by_workload.setdefault(case.workload, []).append(index)
    for block in range(plan.profile.blocks):
        names = sorted(by_workload)
        random.Random(f"{plan.seed}/{block}").shuffle(names)
        for name in names:
            yield Group(block, name, tuple(by_workload[name]))


def slice_order(plan: Plan, group: Group, attempt: int, workload: Workload) -> list[tuple[int, int]]:
    """All slices of a group as ``(turn, case)``: in each turn every case once, in an order of its own.

    A group of a part of its workload's cases, those that are undecided still, gets more turns for it.

    An observed case has one long slice in the middle turn: its observer is there for that slice alone, so
    that it does not disturb the slices of the others.
    """
    rng = random.Random(f"{plan.seed}/{group.block}/{group.workload}/{attempt}")
    cases = sum(case.workload == group.workload for case in plan.cases)
    more = max(1, min(MOST_TURNS, cases // len(group.cases)))
    turns = more * (LATENCY_SLICES if workload.peer or workload.scheduled else plan.profile.slices)
    slices = []
    for turn in range(turns):
        order = [index for index in group.cases if turn == turns // 2 or not plan.cases[index].observers]
        rng.shuffle(order)
        slices += [(turn, index) for index in order]
    return slices


def slice_seconds(case: Case, profile: Profile) -> float:
    """Length of a timed slice: each thread should get the GIL several times in it."""
    factor = OBSERVED_FACTOR * profile.slices if case.observers else 1
    return profile.slice_seconds * max(1.0, case.threads / 2) * factor


def _run_seconds(
    case: Case, profile: Profile, workloads: Mapping[str, Workload], interpreters: Mapping[str, Interpreter]
) -> float:
    workload, build = workloads[case.workload], interpreters[case.interpreter].build
    seconds = slice_seconds(case, profile)
    start = _START_SECONDS.get(build.implementation, _START_DEFAULT)
    if workload.peer or workload.scheduled:
        scheduled = max(profile.latency_seconds, workload.least_seconds)
        closed = 0.0 if workload.scheduled or workload.driver == "signals" else seconds
        return start + LATENCY_SLICES * (closed + _SCHEDULE_FACTOR * scheduled + _SERVICE_OVERHEAD)
    if case.observers:
        return start + seconds + _ATTACH_SECONDS
    warm_up = profile.warmup_seconds if build.jit else seconds
    return start + warm_up + profile.slices * (seconds + _SLICE_OVERHEAD)
