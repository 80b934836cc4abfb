"""Comparisons with verdicts: interpreters inside one study, or two studies."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from gilbench.analyse.blocks import Blocks, throughput
from gilbench.analyse.drift import drift_correlation
from gilbench.analyse.estimates import Estimate, contrast
from gilbench.analyse.geomean import geometric_mean
from gilbench.analyse.samples import Pair, absolute, log_series, pairs
from gilbench.analyse.verdicts import FDR, THRESHOLD, Verdict, verdicts
from gilbench.metrics import METRICS
from gilbench.model import Case, Comparison, Family, Study, Workload

BASELINE = "baseline"  # what the candidate's figures are held against, where two studies are compared


class _Row(NamedTuple):
    workload: str
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
    """Compare every interpreter of a study with its reference, paired inside blocks.

    Args:
        study: What was measured.
        metrics: Only these are compared, and count as comparisons.
        threshold: Smallest change that matters, e.g. 0.02.
        fdr: Expected share of false ones among all rows called improved or regressed.
    """
    rows = [row for row in _within(study) if row.metric in metrics]
    families = [row for row in _families(study) if row.metric in metrics]
    return (*_judged(rows, threshold, fdr), *_judged(families, threshold, fdr))


def compare_studies(
    baseline: Study,
    candidate: Study,
    *,
    metrics: Collection[str] = METRICS.keys(),
    threshold: float = THRESHOLD,
    fdr: float = FDR,
) -> tuple[Comparison, ...]:
    """Compare the candidate's cases with the same ones of the baseline.

    A case that both studies divided by the same build of a reference is compared by that ratio, which does not
    know what hour it was; everything else by its absolute figures, and the row says so.
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
    return tuple(_judged([row for row in rows if row.metric in metrics], threshold, fdr))


def family_title(family: str) -> str:
    """How the geometric mean over a family is called among the workloads."""
    return f"family {family}"


def _within(study: Study) -> list[_Row]:
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
        _Row(
            case.workload,
            workload.family,
            case,
            blocks.plan.reference,
            pair.metric,
            pair.estimate(correlation),
            paired=True,
        )
        for case, workload, pair in found
    ]


def _families(study: Study) -> list[_Row]:
    """The geometric mean of throughput over each family, for each interpreter and thread count."""
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
        _Row(
            case.workload,
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


def _absolutes(study: Study) -> list[_Row]:
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    return [
        _Row(case.workload, workloads[case.workload].family, case, BASELINE, metric, estimate, paired=False)
        for case in blocks.cases()
        if not case.observers
        for metric, estimate in absolute(blocks, case, workloads[case.workload])
    ]


def _against(candidate: _Row, baseline: _Row) -> _Row:
    return candidate._replace(reference=BASELINE, estimate=contrast(candidate.estimate, baseline.estimate))


def _identity(row: _Row) -> tuple[Case, str]:
    return row.case, row.metric


def _by_identity(rows: Sequence[_Row]) -> dict[tuple[Case, str], _Row]:
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
    """How the blocks of one session drift, read off all its rows together."""
    series = log_series(found)
    longest = max(map(len, series), default=0)
    return (
        float(drift_correlation([np.asarray(one) for one in series if len(one) == longest]))
        if series
        else 0.0
    )


def _judged(rows: Sequence[_Row], threshold: float, fdr: float) -> list[Comparison]:
    judged = verdicts(
        [row.estimate for row in rows],
        [METRICS[row.metric].better for row in rows],
        threshold=threshold,
        fdr=fdr,
    )
    return [_comparison(row, verdict) for row, verdict in zip(rows, judged, strict=True)]


def _comparison(row: _Row, verdict: Verdict) -> Comparison:
    interval, case = row.estimate.interval(), row.case
    return Comparison(
        workload=row.workload,
        family=row.family,
        interpreter=case.interpreter,
        reference=row.reference,
        threads=case.threads,
        parameters=case.parameters,
        gil=case.gil,
        switch_interval=case.switch_interval,
        cpus=case.cpus,
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
