"""The page of a plan: its cases, and its estimated duration."""

from __future__ import annotations

from collections import Counter

from gilbench.model.cores import cpu_list
from gilbench.model.study import Header
from gilbench.plan.blocks import count_runs
from gilbench.plan.counting import REPEATS, is_counted
from gilbench.render.figures import processors
from gilbench.render.page import Column, Page, Section, Table
from gilbench.render.rows import flat_case


def plan_page(header: Header) -> Page:
    """Lay out a plan."""
    plan, effort = header.plan, header.plan.effort
    counts = Counter(case.workload for case in plan.cases)
    threads = {
        name: sorted({case.threads for case in plan.cases if case.workload == name}) for name in counts
    }
    rows = tuple(
        (one.name, one.family, ", ".join(map(str, threads.get(one.name, ()))), str(counts[one.name]))
        for one in header.workloads
    )
    minutes, seconds = divmod(round(plan.seconds), 60)
    names = ", ".join(f"{one.name} ({one.command_line})" for one in header.interpreters)
    counted = sum(map(is_counted, plan.cases))
    timed = count_runs(
        plan,
        {one.name: one for one in header.workloads},
        {one.name: one for one in header.interpreters},
    )
    runs = f"{timed} runs, {REPEATS} counts x {counted} cases" if counted else f"{timed} runs"
    table = Table(
        title="Planned cases",
        columns=(
            Column("workload", "left", folds=True),
            Column("family", "left"),
            Column("threads", "left", folds=True),
            Column("cases"),
        ),
        sections=(Section(rows),),
        notes=(f"effort {effort.name}: {effort.blocks} blocks, {runs}, about {minutes} min {seconds} s",),
    )
    return Page(
        title="",
        lead=(
            f"interpreters: {names}",
            f"reference: {plan.reference}; seed: {plan.seed}; CPUs: {cpu_list(plan.cpus)} of {processors(header.host)}",
        ),
        parts=(table,),
        document={
            "kind": "plan",
            "plan": plan,
            "interpreters": header.interpreters,
            "workloads": header.workloads,
        },
        rows=map(flat_case, plan.cases),
    )
