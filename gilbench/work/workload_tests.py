"""Tests workloads: runs each briefly on every interpreter and compares the checksums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gilbench.analyse.study.workload_tests import workload_tests
from gilbench.host.description import describe_host
from gilbench.interpreters import parse_environment, select
from gilbench.model.listings import WorkloadTest, WorkloadTests
from gilbench.model.study import Effort, Interpreter, Plan, Run, Workload
from gilbench.plan import catalogue
from gilbench.plan.axes import AXES, Axes, cases, parse_threads
from gilbench.plan.blocks import make_plan
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks
from gilbench.work.listener import SILENT, Listener

_BRIEF = Effort(
    name="test",
    blocks=1,
    slices=2,
    slice_seconds=0.02,
    latency_seconds=0.1,
    warmup_seconds=0.2,
    few_choices=True,
)


def check_workloads(
    names: Sequence[str] = ("*",),
    python: Sequence[str] = ("all",),
    threads: str = "1,2",
    listener: Listener = SILENT,
    *,
    environment: Sequence[str] = (),
    refresh: bool = False,
) -> WorkloadTests:
    """Run workloads briefly on every interpreter, and check their checksums and the lengths of their operations.

    Args:
        names: Files, names, or patterns.
        python: SPECs of interpreters.
        threads: Thread counts, for example ``1,2``.
        listener: Receives progress.
        environment: Variables to start every interpreter with, as ``NAME=VALUE``.
        refresh: Ask every interpreter again, ignoring the cache.

    Raises:
        UsageError: A name matches nothing, or a file declares no workload.
        InterpreterError: An interpreter is missing.
    """
    known = catalogue.catalogue()
    chosen = catalogue.choose(known, names)
    variables = parse_environment(environment)
    interpreters = select(python, environment=variables, refresh=refresh).interpreters
    switched = {
        axis.field: (False, True)
        for axis in AXES
        if axis.needs and any(axis.applies(one.build) for one in interpreters)
    }
    axes = Axes(threads=parse_threads(threads, 1), swept=switched)
    found: list[WorkloadTest] = []
    for number, workload in enumerate(chosen, 1):
        listener.progress(f"testing {workload.name}, {number} of {len(chosen)}", (number - 1) / len(chosen))
        found += workload_tests(workload, *_run(workload, known, interpreters, axes))
    return WorkloadTests(tests=tuple(found))


def _run(
    workload: Workload, known: Mapping[str, Workload], interpreters: Sequence[Interpreter], axes: Axes
) -> tuple[Plan, list[Run]]:
    """Run one workload briefly, with its cases interleaved."""
    plan = make_plan(
        list(cases([workload], interpreters, axes)),
        effort=_BRIEF,
        interpreters=interpreters,
        workloads=[workload],
        reference=interpreters[0].name,
        seed=0,
    )
    runs: list[Run] = []
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(plan, interpreters, {**known, workload.name: workload}, hooks, host=describe_host())
    return plan, runs
