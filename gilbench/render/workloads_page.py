"""The pages of the catalogue of workloads, and of workload tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from gilbench.model.listings import Catalogue, WorkloadTest, WorkloadTests
from gilbench.model.metrics import write
from gilbench.render.figures import SENTENCE, short
from gilbench.render.page import Column, Entry, Page, Section, Sentences, Table, Text


def catalogue_page(catalogue: Catalogue) -> Page:
    """List workloads by family."""
    families = groupby(catalogue.workloads, key=lambda one: one.family)
    table = Table(
        title="Workloads",
        columns=(Column("workload", "left"), Column("description", "left", folds=True)),
        sections=tuple(
            Section(tuple((f"{one.name}{' *' * one.core}", one.summary) for one in mine), family)
            for family, mine in families
        ),
        notes=("* in the default set of gilbench run",),
    )
    rows = [msgspec.to_builtins(one) for one in catalogue.workloads]
    return Page("", (), (table,), {"kind": "workloads", "workloads": rows}, rows)


def tests_page(tested: WorkloadTests) -> Page:
    """List the interpreters on which each workload works, and the reasons for the others."""
    everyone = list(dict.fromkeys(one.interpreter for one in tested.tests))
    by_workload: dict[str, list[WorkloadTest]] = {}
    reasons: dict[str, list[str]] = {}
    for one in tested.tests:
        by_workload.setdefault(one.workload, []).append(one)
        if one.outcome != "ok":
            reasons.setdefault(f"{one.workload}: {_reason(one)}", []).append(one.interpreter)
    table = Table(
        title="Workload tests",
        columns=(
            Column("workload", "left"),
            Column("works on", "left", folds=True),
            Column("not on", "left", folds=True),
        ),
        sections=(Section(tuple(_row(name, mine) for name, mine in by_workload.items())),),
    )
    why = tuple(f"{reason} ({_among(names, everyone)})" for reason, names in reasons.items())
    failed = sum(one.outcome == "failed" for one in tested.tests)
    rows = [msgspec.to_builtins(one) for one in tested.tests]
    summary = Text(f"{len(tested.tests)} tests, {failed} failed", "bad" if failed else "good")
    return Page(
        title=summary,
        lead=(),
        parts=(table, *((Sentences("Reasons", why),) if why else ())),
        document={"kind": "workload tests", "trials": rows},
        rows=rows,
        closing=summary,
    )


def _row(workload: str, tests: Sequence[WorkloadTest]) -> tuple[Entry, ...]:
    everywhere = [one.interpreter for one in tests]
    by_outcome: dict[str, list[str]] = {}
    for one in tests:
        by_outcome.setdefault(one.outcome, []).append(one.interpreter)
    good = by_outcome.pop("ok", [])
    bad = [f"{outcome}: {_among(names, everywhere)}" for outcome, names in by_outcome.items()]
    works = _among(good, everywhere) if good else "-"
    return (workload, Text(works, "plain" if bad else "good"), "; ".join(bad))


def _among(names: Sequence[str], everyone: Sequence[str]) -> str:
    """Name some interpreters of all, in the shorter way."""
    others = [name for name in everyone if name not in names]
    if not others and len(names) > 1:
        return f"all {len(names)}"
    return f"all but {', '.join(others)}" if 0 < len(others) < len(names) else ", ".join(names)


def _reason(one: WorkloadTest) -> str:
    if one.operation is not None:
        return f"{one.outcome}, {write(one.operation, 's')} per operation"
    return short(one.detail, SENTENCE)
