"""A plan as a table: what would be run, and how long it would take."""

from __future__ import annotations

from collections import Counter

from rich import box
from rich.console import Group
from rich.table import Table

from gilbench.model import Header
from gilbench.render.figures import plain


def plan_table(header: Header) -> Group:
    """Lay out a plan for the terminal."""
    plan = header.plan
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("workload", "family", "threads"):
        table.add_column(column, overflow="fold")
    table.add_column("cases", justify="right")
    cases = Counter(case.workload for case in plan.cases)
    for workload in header.workloads:
        counts = sorted({case.threads for case in plan.cases if case.workload == workload.name})
        table.add_row(
            plain(workload.name), workload.family, ", ".join(map(str, counts)), str(cases[workload.name])
        )
    names = ", ".join(f"{interpreter.name} ({interpreter.executable})" for interpreter in header.interpreters)
    minutes, seconds = divmod(round(plan.seconds), 60)
    profile = plan.profile
    return Group(
        plain(f"interpreters: {names}"),
        plain(f"reference: {plan.reference}; seed: {plan.seed}; CPUs: {', '.join(map(str, plan.cpus))}"),
        table,
        plain(
            f"profile {profile.name}: {profile.blocks} blocks x {len(plan.cases)} cases = "
            f"{profile.blocks * len(plan.cases)} runs, about {minutes} min {seconds} s"
        ),
    )
