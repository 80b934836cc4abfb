"""Compares the interpreters of one study, or two studies, with verdicts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from gilbench.analyse.stats.drift import drift_correlation
from gilbench.analyse.stats.estimates import Estimate, contrast
from gilbench.analyse.stats.geomean import geometric_mean
from gilbench.analyse.stats.verdicts import FDR, THRESHOLD, Verdict, verdicts
from gilbench.analyse.study.counts import compare_counts, compare_counts_of_studies
from gilbench.analyse.study.index import Blocks, throughput
from gilbench.analyse.study.samples import Pair, absolute, log_series, pairs
from gilbench.model.metrics import METRICS
from gilbench.model.results import Comparison
from gilbench.model.study import Case, Family, Study, Workload

BASELINE = "baseline"  # reference of the rows if two studies are compared


class _ComparisonRow(NamedTuple):
    family: Family
    case: Case
    reference: str
    metric: str
    estimate: Estimate
    paired: bool


def compare_interpreters(
    study: Study,
    *,
    metrics: Collection[str] = METRICS.keys(),
    threshold: float = THRESHOLD,
    fdr: float = FDR,
) -> tuple[Comparison, ...]:
    """Compare every interpreter of a study with its reference, paired within blocks.

    Args:
        study: The study.
        metrics: Metrics to compare; others do not count as comparisons.
        threshold: Smallest change of a timed metric that matters, a fraction, for example 0.02.
        fdr: False discovery rate among improved and regressed rows, a fraction.
    """
    rows = [row for row in _within(study) if row.metric in metrics]
    families = [row for row in _families(study) if row.metric in metrics]
    counted = (row for row in compare_counts(study) if row.metric in metrics)
    return (*_judged(rows, threshold, fdr), *_judged(families, threshold, fdr), *counted)


def compare_studies(
    baseline: Study,
    candidate: Study,
    *,
    metrics: Collection[str] = METRICS.keys(),
    threshold: float = THRESHOLD,
    fdr: float = FDR,
) -> tuple[Comparison, ...]:
    """Compare the candidate's cases with the same cases of the baseline.

    If both studies have the same build as their reference, cases are compared by their ratios to it, which do not
    depend on the time. Other cases are compared by absolute values, and their rows are marked as unpaired. Counts of
    instructions do not depend on the time, either.
    """
    ours, theirs = _by_identity(_within(candidate)), _by_identity(_within(baseline))
    if not _same_reference(baseline, candidate):
        ours, theirs = {}, {}
    rows = [_against(row, theirs[key]) for key, row in ours.items() if key in theirs]
    paired = {(row.case, row.metric) for row in rows}
    alone, known = _absolutes(candidate), _by_identity(_absolutes(baseline))
    for row in alone:
        other = known.get(_identity(row))
        if other is not None and (row.case, row.metric) not in paired:
            rows.append(_against(row, other))
    counted = compare_counts_of_studies(baseline, candidate, BASELINE)
    return (
        *_judged([row for row in rows if row.metric in metrics], threshold, fdr),
        *(row for row in counted if row.metric in metrics),
    )


def family_title(family: str) -> str:
    """Return the workload name of the geometric mean over a family."""
    return f"family {family}"


def _within(study: Study) -> list[_ComparisonRow]:
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    found: list[tuple[Case, Workload, Pair]] = []
    for case in blocks.cases():
        reference = blocks.reference(case)
        if reference is not None:
            workload = workloads[case.workload]
            found += [(case, workload, pair) for pair in pairs(blocks, case, reference, workload)]
    correlation = _correlation([pair for _, _, pair in found])
    return [
        _ComparisonRow(
            workload.family,
            case,
            blocks.plan.reference,
            pair.metric,
            pair.estimate(correlation),
            paired=True,
        )
        for case, workload, pair in found
    ]


def _families(study: Study) -> list[_ComparisonRow]:
    """Return the geometric mean of throughput over each family, for each interpreter and thread count."""
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    logs: dict[tuple[Family, Case], list[list[float]]] = defaultdict(list)
    for case in blocks.cases():
        workload = workloads[case.workload]
        reference = blocks.reference(case)
        if reference is None or case.observers or workload.driver != "parallel":
            continue
        key = msgspec.structs.replace(case, workload=family_title(workload.family), parameters=())
        logs[workload.family, key].append(blocks.log_ratios(case, reference, throughput))
    return [
        _ComparisonRow(
            family,
            case,
            blocks.plan.reference,
            "throughput",
            geometric_mean(series),
            paired=True,
        )
        for (family, case), series in logs.items()
        if len(series) > 1
    ]


def _absolutes(study: Study) -> list[_ComparisonRow]:
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    return [
        _ComparisonRow(workloads[case.workload].family, case, BASELINE, metric, estimate, paired=False)
        for case in blocks.cases()
        if not case.observers
        for metric, estimate in absolute(blocks, case, workloads[case.workload])
    ]


def _against(candidate: _ComparisonRow, baseline: _ComparisonRow) -> _ComparisonRow:
    return candidate._replace(reference=BASELINE, estimate=contrast(candidate.estimate, baseline.estimate))


def _identity(row: _ComparisonRow) -> tuple[Case, str]:
    return row.case, row.metric


def _by_identity(rows: Sequence[_ComparisonRow]) -> dict[tuple[Case, str], _ComparisonRow]:
    return {_identity(row): row for row in rows}


def _same_reference(baseline: Study, candidate: Study) -> bool:
    builds = [
        next(
            (one.build for one in study.header.interpreters if one.name == study.header.plan.reference), None
        )
        for study in (baseline, candidate)
    ]
    return builds[0] is not None and builds[0] == builds[1]


def _correlation(found: Sequence[Pair]) -> float:
    """Estimate the correlation between the blocks of a session from all its rows together."""
    series = log_series(found)
    longest = max(map(len, series), default=0)
    return (
        float(drift_correlation([np.asarray(one) for one in series if len(one) == longest]))
        if series
        else 0.0
    )


def _judged(rows: Sequence[_ComparisonRow], threshold: float, fdr: float) -> list[Comparison]:
    judged = verdicts(
        [row.estimate for row in rows],
        [METRICS[row.metric].better for row in rows],
        threshold=threshold,
        fdr=fdr,
    )
    return [_comparison(row, verdict) for row, verdict in zip(rows, judged, strict=True)]


def _comparison(row: _ComparisonRow, verdict: Verdict) -> Comparison:
    interval = row.estimate.interval()
    return Comparison(
        case=row.case,
        family=row.family,
        reference=row.reference,
        metric=row.metric,
        better=METRICS[row.metric].better,
        ratio=_finite(interval.value),
        lo=_finite(interval.lo),
        hi=_finite(interval.hi),
        verdict=verdict.verdict,
        reason=verdict.reason,
        blocks=interval.blocks,
        blocks_needed=verdict.blocks_needed,
        paired=row.paired,
    )


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
