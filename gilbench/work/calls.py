"""Makes workloads of the user's own code, and tries each before it is measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from gilbench.model.calls import OwnCall
from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.metrics import write
from gilbench.model.study import Case, Header, Interpreter, Workload
from gilbench.plan.blocks import plan_seconds, slice_seconds
from gilbench.plan.calls import FAMILY, write_call
from gilbench.plan.catalogue import read_declaration
from gilbench.run.trial import try_case
from gilbench.store.calls import keep_source
from gilbench.work.listener import Listener


def call_workloads(calls: Sequence[OwnCall], taken: Collection[str]) -> tuple[Workload, ...]:
    """Write and read the workloads of calls.

    Args:
        calls: The calls.
        taken: Names of other workloads.

    Raises:
        UsageError: A call is invalid, or its file cannot be written.
    """
    found: list[Workload] = []
    for call in calls:
        names = {*taken, *(workload.name for workload in found)}
        found.append(read_declaration(keep_source(write_call(call, names, Path.cwd())), FAMILY))
    return tuple(found)


def tried(header: Header, listener: Listener) -> Header:
    """Try each call once on each interpreter, and plan for the time that it takes.

    A call that fails on some interpreters is measured on the others, and its failure is recorded.

    Raises:
        UsageError: A call fails on every interpreter.
    """
    own = {
        workload.name: workload
        for workload in header.workloads
        if workload.family == FAMILY and workload.command is None
    }
    interpreters = {interpreter.name: interpreter for interpreter in header.interpreters}
    cases = dict.fromkeys(
        msgspec.structs.replace(case, threads=1, switch_interval=None, cpus=None, observers=())
        for case in header.plan.cases
        if case.workload in own
    )
    seconds = _try_all(cases, interpreters, own, listener)
    long = {
        name: taken
        for name, taken in seconds.items()
        if taken > min(slice_seconds(case, header.plan.effort) for case in cases)
    }
    if not long:
        return header
    workloads = tuple(
        msgspec.structs.replace(workload, operation_seconds=long.get(workload.name, 0.0))
        for workload in header.workloads
    )
    plan = header.plan
    planned = plan.budget or plan_seconds(plan, {one.name: one for one in workloads}, interpreters)
    for name, taken in long.items():
        listener.note(f"{name} takes {write(taken, 's')}, longer than a slice: a slice is at least one call")
    return msgspec.structs.replace(
        header, workloads=workloads, plan=msgspec.structs.replace(plan, seconds=planned)
    )


def nothing_measured(failure: str) -> UsageError:
    """Return the error of a call that fails on every interpreter."""
    return UsageError(f"{failure}\nNothing was measured. Fix the call, or the code that it runs.")


def _try_all(
    cases: Iterable[Case],
    interpreters: Mapping[str, Interpreter],
    own: Mapping[str, Workload],
    listener: Listener,
) -> dict[str, float]:
    """Return the length of the longest call of each workload, in seconds; errors as in ``tried``."""
    seconds: dict[str, float] = {}
    failures: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        listener.progress(f"trying {case.workload} on {case.interpreter}")
        try:
            taken = try_case(case, interpreters[case.interpreter], own[case.workload])
            seconds[case.workload] = max(taken, seconds.get(case.workload, 0.0))
        except RunFailure as failure:
            failures[case.workload].append(f"{case.workload} on {case.interpreter}: {failure.message}")
    for name, messages in failures.items():
        if name not in seconds:
            raise nothing_measured(messages[0])
    return seconds
