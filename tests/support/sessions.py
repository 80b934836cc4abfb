"""Small real sessions for the tests."""

from __future__ import annotations

from collections.abc import Sequence

from gilbench.model.study import Case, Effort, Interpreter, Plan, Run, Workload
from gilbench.plan.axes import Axes, cases
from gilbench.plan.blocks import make_plan
from gilbench.plan.catalogue import catalogue
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks

KNOWN = catalogue()  # reads every workload, which takes long
BRIEF = Effort(
    name="brief",
    blocks=1,
    slices=2,
    slice_seconds=0.03,
    latency_seconds=0.15,
    warmup_seconds=0.3,
    few_choices=True,
)


def run_session(
    workloads: Sequence[Workload],
    interpreters: Sequence[Interpreter],
    axes: Axes,
    *,
    effort: Effort = BRIEF,
) -> tuple[Plan, list[Run]]:
    """Run every case once and return what was measured, failed runs too."""
    plan = make_plan(
        list(cases(workloads, interpreters, axes)),
        effort=effort,
        interpreters=interpreters,
        workloads=workloads,
        reference=interpreters[0].name,
        seed=1,
    )
    runs: list[Run] = []
    known = {**KNOWN, **{workload.name: workload for workload in workloads}}
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(plan, interpreters, known, hooks)
    return plan, runs


def by_case(plan: Plan, runs: Sequence[Run]) -> dict[Case, Run]:
    """The runs by what they ran; none may have failed."""
    for run in runs:
        assert run.failure is None, (plan.cases[run.case], run.failure)
    return {plan.cases[run.case]: run for run in runs}
