"""Matches the cases of two studies, before their verdicts; those of two fleets on the hosts that both have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from gilbench.analyse.stats.estimates import Doubt, contrast
from gilbench.analyse.study.comparability import same_host
from gilbench.analyse.study.comparison_rows import (
    BASELINE,
    ComparisonRow,
    absolute_rows,
    interpreter_rows,
    rows_over_hosts,
    speedup_rows,
)
from gilbench.analyse.study.hosts import OWN, host_parts, of_one_host, same_kind
from gilbench.model.study import Study


def matched_rows(baseline: Study, candidate: Study, *, allow_unpaired: bool) -> list[ComparisonRow]:
    """Compare two studies case by case, by ratios to a common reference or else by absolute values.

    Args:
        baseline: The earlier study.
        candidate: The later study.
        allow_unpaired: Whether rows that are unpaired or from different hosts may have a verdict.
    """

    def of_two(before: Study, now: Study) -> list[ComparisonRow]:
        doubts: tuple[Doubt | None, Doubt | None] = (_elsewhere(before, now), "unpaired")
        if allow_unpaired:
            doubts = None, None
        found = []
        if same_reference(before, now):
            ours, theirs = interpreter_rows(before).rows, interpreter_rows(now).rows
            found = list(_matched(ours, theirs, doubts[0]))
        paired = {(row.case, row.metric) for row in found}
        absolute = _matched(absolute_rows(before), absolute_rows(now), doubts[1])
        return found + [row for row in absolute if (row.case, row.metric) not in paired]

    return _on_shared_hosts(baseline, candidate, of_two)


def matched_speedups(baseline: Study, candidate: Study) -> list[ComparisonRow]:
    """Compare the speedups over one thread of two studies."""

    def of_two(before: Study, now: Study) -> list[ComparisonRow]:
        return list(_matched(speedup_rows(before), speedup_rows(now), _elsewhere(before, now)))

    return _on_shared_hosts(baseline, candidate, of_two)


def same_reference(baseline: Study, candidate: Study) -> bool:
    """Return whether two studies have the same build as their reference."""
    builds = [
        next(
            (one.build for one in study.header.interpreters if one.name == study.header.plan.reference), None
        )
        for study in (baseline, candidate)
    ]
    return builds[0] is not None and builds[0] == builds[1]


def on_shared_hosts(baseline: Study, candidate: Study) -> tuple[Study, Study]:
    """Return two studies of fleets with their common hosts only.

    Others are returned as they are, those that one host of a fleet measured as studies of this host.
    """
    baseline, candidate = of_one_host(baseline), of_one_host(candidate)
    names = _shared(baseline, candidate)
    return (_only(baseline, names), _only(candidate, names)) if names else (baseline, candidate)


def are_elsewhere(baseline: Study, candidate: Study) -> bool:
    """Return whether two studies, each of one host or of a fleet, were measured on other hosts."""
    baseline, candidate = of_one_host(baseline), of_one_host(candidate)
    if not baseline.hosts and not candidate.hosts:
        return not same_host(baseline.header.host, candidate.header.host)
    return not _shared(baseline, candidate)


def _shared(baseline: Study, candidate: Study) -> set[str]:
    """Return the names of the hosts that two fleets have in common: of the same name, and of the same kind."""
    theirs = {part.host.name: part.host.host for part in host_parts(baseline)}
    return {
        part.host.name
        for part in host_parts(candidate)
        if part.host.name in theirs and same_kind(part.host.host, theirs[part.host.name])
    } - {OWN}


def _only(study: Study, names: set[str]) -> Study:
    return msgspec.structs.replace(
        study,
        hosts=tuple(host for host in study.hosts if host.name in names),
        runs=tuple(run for run in study.runs if run.host in names),
    )


def _on_shared_hosts(
    baseline: Study, candidate: Study, of_two: Callable[[Study, Study], list[ComparisonRow]]
) -> list[ComparisonRow]:
    """Compare two studies host by host, if both are of fleets that have hosts in common."""
    baseline, candidate = on_shared_hosts(baseline, candidate)
    if are_elsewhere(baseline, candidate) or not candidate.hosts:
        return of_two(baseline, candidate)
    before = {part.host.name: part.study for part in host_parts(baseline)}
    return rows_over_hosts(of_two(before[part.host.name], part.study) for part in host_parts(candidate))


def _elsewhere(baseline: Study, candidate: Study) -> Doubt | None:
    return "other host" if are_elsewhere(baseline, candidate) else None


def _matched(
    baseline: Sequence[ComparisonRow], candidate: Sequence[ComparisonRow], doubt: Doubt | None
) -> Iterator[ComparisonRow]:
    """Compare the rows that both studies have, with a reason why they may have no verdict."""
    known = {(row.case, row.metric): row.estimate for row in baseline}
    for row in candidate:
        if (row.case, row.metric) in known:
            estimate = contrast(row.estimate, known[row.case, row.metric])
            if doubt is not None and estimate.doubt != "zero variance":  # which has no interval
                estimate = msgspec.structs.replace(estimate, doubt=doubt)
            yield row._replace(reference=BASELINE, estimate=estimate)
