"""Joins studies into one, for example those of the tests of a session."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gilbench.model.study import Case, Interpreter, Run, Study


def merged(studies: Sequence[Study]) -> Study:
    """Join studies of one host, whose workloads have different names.

    Each workload keeps its own runs and blocks, so no ratio is computed between two of the studies.

    Args:
        studies: At least one study.
    """
    interpreters: dict[str, Interpreter] = {}
    cases: list[Case] = []
    runs: list[Run] = []
    for study in studies:
        names = {one.name: _named(one, interpreters) for one in study.header.interpreters}
        interpreters.update((one.name, one) for one in names.values())
        runs += [msgspec.structs.replace(run, case=run.case + len(cases)) for run in study.runs]
        cases += [
            msgspec.structs.replace(case, interpreter=names[case.interpreter].name)
            for case in study.header.plan.cases
        ]
    first = studies[0].header
    plans = [study.header.plan for study in studies]
    budgets = [plan.budget for plan in plans if plan.budget is not None]
    plan = msgspec.structs.replace(
        first.plan,
        effort=msgspec.structs.replace(first.plan.effort, blocks=max(plan.effort.blocks for plan in plans)),
        cases=tuple(cases),
        cpus=tuple(sorted({cpu for plan in plans for cpu in plan.cpus})),
        seconds=sum(plan.seconds for plan in plans),
        budget=sum(budgets) if budgets else None,
    )
    workloads = tuple(workload for study in studies for workload in study.header.workloads)
    header = msgspec.structs.replace(
        first, plan=plan, interpreters=tuple(interpreters.values()), workloads=workloads
    )
    return Study(header=header, runs=tuple(runs))


def _named(one: Interpreter, known: dict[str, Interpreter]) -> Interpreter:
    """Return an interpreter with a name that no other one has."""
    name, number = one.name, 1
    while name in known and known[name].started != one.started:
        number += 1
        name = f"{one.name} ({number})"
    return msgspec.structs.replace(one, name=name)
