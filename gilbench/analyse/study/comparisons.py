"""Compares the interpreters of one study, or two studies, with verdicts.

Two rules keep rows that cannot be decided from deciding.

Rows of two studies are inconclusive unless they are relative to a common reference, on the same kind of host. The
errors of a study are those of one hour, and do not include the difference between two hours. In simulations of two
studies of the same build (10 rows, standard deviation of a block 2.5%, threshold 2%, 20,000 pairs of studies; see
``tests/analyse/test_comparisons.py``), absolute values regressed in this percentage of checks:

==========================================  ====  =====  =====
standard deviation between the two hours    2%    5%     10%
==========================================  ====  =====  =====
5 blocks                                    2.3   18.4   32.2
12 blocks                                   5.7   25.2   36.9
==========================================  ====  =====  =====

The geometric mean over a family has no verdict that none of its workloads has. Noise that all workloads of a block
share does not average out over them, but their own noise does. The mean then has a narrow interval around the shared
noise. In simulations of an interpreter compared with itself (20,000 studies, standard deviation 5% of each workload's
own noise and 10% of the shared noise), this percentage of checks failed before and after this rule:

==========================  ===========  ============  ============
blocks, shared noise        3 workloads  10 workloads  30 workloads
==========================  ===========  ============  ============
5, independent              1.4, 0.8     1.3, 0.7      1.2, 0.6
5, AR(1), correlation 0.5   6.4, 4.0     6.6, 3.6      6.5, 3.4
12, independent             0.7, 0.4     0.6, 0.3      0.6, 0.2
12, AR(1), correlation 0.5  5.8, 3.2     6.0, 2.4      6.0, 2.1
==========================  ===========  ============  ============
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from gilbench.analyse.stats.drift import drift_correlation
from gilbench.analyse.stats.estimates import Doubt, Estimate, contrast, mean_estimate
from gilbench.analyse.stats.geomean import geometric_mean
from gilbench.analyse.stats.layout import mean_sd, of_code
from gilbench.analyse.stats.verdicts import FDR, THRESHOLD, Verdict, verdicts
from gilbench.analyse.study.comparability import same_host
from gilbench.analyse.study.counts import compare_counts, compare_counts_of_studies
from gilbench.analyse.study.disturbance import is_disturbed
from gilbench.analyse.study.index import Blocks, throughput
from gilbench.analyse.study.looks import case_looks
from gilbench.analyse.study.samples import Pair, absolute, base_case, log_series, pairs
from gilbench.model.metrics import METRICS
from gilbench.model.results import Comparison, family_title
from gilbench.model.study import Case, Family, Study, Workload

BASELINE = "baseline"  # reference of the rows if two studies are compared
MEAN = "throughput"  # the metric that is averaged over a family
TIMED = frozenset({"s", "1/s"})
"""Units of the metrics that code layout changes: in a quotient or a share of the same binary, it cancels."""


class _ComparisonRow(NamedTuple):
    family: Family
    case: Case
    reference: str
    metric: str
    estimate: Estimate
    paired: bool


class _Paired(NamedTuple):
    """One metric of a case and of the same case on the reference."""

    case: Case
    workload: Workload
    pair: Pair
    looks: float  # of a growing study, which its interval pays for


def compare_interpreters(
    study: Study,
    *,
    metrics: Collection[str] = METRICS.keys(),
    threshold: float = THRESHOLD,
    fdr: float = FDR,
    layout: float = 0.0,
) -> tuple[Comparison, ...]:
    """Compare every interpreter of a study with its reference, paired within blocks.

    Args:
        study: The study.
        metrics: Metrics to compare; others do not count as comparisons.
        threshold: Smallest change of a timed metric that matters, a fraction, for example 0.02.
        fdr: False discovery rate among improved and regressed rows, a fraction.
        layout: Standard deviation between code layouts, on the log scale, if the interpreters are builds whose sources
            are compared; 0 compares the binaries.

    Returns:
        All rows, followed by the geometric means over families.
    """
    found = _paired(study)
    rows = [_of_code(row, layout) for row in _rows(study, found) if row.metric in metrics]
    counted = tuple(row for row in compare_counts(study) if row.metric in metrics)
    judged = _judged(rows, threshold, fdr)
    if MEAN not in metrics:
        return (*judged, *counted)
    families = _families(found)
    means = _judged(_means(study, found, families, layout), threshold, fdr)
    said = {row.case: row.verdict for row in judged if row.metric == MEAN}
    members = {case: {said[one.case] for one in members} for case, members in families.items()}
    return (*judged, *(_confirmed(mean, members[mean.case]) for mean in means), *counted)


def compare_studies(
    baseline: Study,
    candidate: Study,
    *,
    metrics: Collection[str] = METRICS.keys(),
    threshold: float = THRESHOLD,
    fdr: float = FDR,
    allow_unpaired: bool = False,
) -> tuple[Comparison, ...]:
    """Compare the candidate's cases with the same cases of the baseline.

    If both studies have the same build as their reference, cases are compared by their ratios to it, which do not
    depend on the time. Other cases are compared by absolute values, and their rows are marked as unpaired. The
    reference's own absolute values describe only the host; they are compared only if there are no other rows. Counts of
    instructions do not depend on the time, either.

    Args:
        baseline: The earlier study.
        candidate: The later study.
        metrics: Metrics to compare; others do not count as comparisons.
        threshold: Smallest change of a timed metric that matters, a fraction, for example 0.02.
        fdr: False discovery rate among improved and regressed rows, a fraction.
        allow_unpaired: Whether rows that are unpaired or from different hosts get a verdict, too; see above for its
            error rate. Otherwise, they are inconclusive.
    """
    elsewhere = not same_host(baseline.header.host, candidate.header.host)
    doubts: tuple[Doubt | None, Doubt | None] = ("other host" if elsewhere else None, "unpaired")
    if allow_unpaired:
        doubts = None, None
    common = _same_reference(baseline, candidate)
    before, now = (_rows(study, _paired(study)) for study in (baseline, candidate))
    rows = list(_matched(before, now, doubts[0])) if common else []
    paired = {(row.case, row.metric) for row in rows}
    rows += [
        row
        for row in _matched(_absolutes(baseline), _absolutes(candidate), doubts[1])
        if (row.case, row.metric) not in paired
    ]
    rows = [row for row in rows if row.metric in metrics]
    if common:
        reference = candidate.header.plan.reference
        rows = [row for row in rows if row.case.interpreter != reference] or rows
    counted = compare_counts_of_studies(baseline, candidate, BASELINE)
    return (*_judged(rows, threshold, fdr), *(row for row in counted if row.metric in metrics))


def compare_speedups(
    baseline: Study, candidate: Study, *, threshold: float = THRESHOLD, fdr: float = FDR
) -> tuple[Comparison, ...]:
    """Compare the candidate's speedups over one thread with those of the baseline.

    A speedup is computed within blocks, so it does not depend on the time. Those of two kinds of host, and of a
    host that other programs used, are inconclusive.

    Args:
        baseline: The earlier study.
        candidate: The later study.
        threshold: Smallest change that matters, a fraction.
        fdr: False discovery rate among improved and regressed rows, a fraction.
    """
    elsewhere = not same_host(baseline.header.host, candidate.header.host)
    doubt: Doubt | None = "other host" if elsewhere else None
    return tuple(_judged(list(_matched(_speedups(baseline), _speedups(candidate), doubt)), threshold, fdr))


def _speedups(study: Study) -> list[_ComparisonRow]:
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    found = []
    for case in blocks.cases():
        workload = workloads[case.workload]
        base = None if case.observers else base_case(blocks, case, workload)
        if base is not None and base[0] == "speedup":
            estimate = mean_estimate(blocks.log_ratios(case, base[1], throughput))
            if is_disturbed(blocks.runs(base[1]).values()) and estimate.doubt is None:
                estimate = msgspec.structs.replace(estimate, doubt="busy host")
            paid = _paid(estimate, case_looks(blocks, case))
            found.append(_ComparisonRow(workload.family, case, BASELINE, "speedup", paid, paired=True))
    return found


def _paired(study: Study) -> list[_Paired]:
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    found: list[_Paired] = []
    for case in blocks.cases():
        reference = blocks.reference(case)
        if reference is not None:
            workload, looks = workloads[case.workload], case_looks(blocks, case)
            found += [
                _Paired(case, workload, pair, looks) for pair in pairs(blocks, case, reference, workload)
            ]
    return found


def _rows(study: Study, found: Sequence[_Paired]) -> list[_ComparisonRow]:
    correlation = _correlation(found)
    blocks = Blocks(study.header.plan, study.runs)
    return [
        _ComparisonRow(
            workload.family,
            case,
            blocks.reference_name(case),
            pair.metric,
            _paid(pair.estimate(correlation), looks),
            paired=True,
        )
        for case, workload, pair, looks in found
    ]


def _families(found: Sequence[_Paired]) -> dict[Case, list[_Paired]]:
    """Return the throughputs of each family with at least two cases, by interpreter and thread count."""
    families: dict[Case, list[_Paired]] = defaultdict(list)
    for one in found:
        if one.pair.metric == MEAN and one.workload.driver == "parallel" and not one.case.observers:
            title = family_title(one.workload.family)
            families[msgspec.structs.replace(one.case, workload=title, parameters=())].append(one)
    return {case: members for case, members in families.items() if len(members) > 1}


def _means(
    study: Study, found: Sequence[_Paired], families: Mapping[Case, Sequence[_Paired]], layout: float
) -> list[_ComparisonRow]:
    """Return the geometric mean of throughput over each family."""
    correlation = _correlation(found)
    return [
        _ComparisonRow(
            members[0].workload.family,
            case,
            study.header.plan.reference,
            MEAN,
            _paid(
                of_code(
                    geometric_mean([one.pair.logs for one in members], correlation=correlation),
                    mean_sd(layout, len(members)),
                ),
                max(one.looks for one in members),
            ),
            paired=True,
        )
        for case, members in families.items()
    ]


def _of_code(row: _ComparisonRow, layout: float) -> _ComparisonRow:
    timed = METRICS[row.metric].unit in TIMED
    return row._replace(estimate=of_code(row.estimate, layout)) if timed else row


def _confirmed(mean: Comparison, members: Collection[str]) -> Comparison:
    if mean.verdict in {"inconclusive", *members}:
        return mean
    return msgspec.structs.replace(mean, verdict="inconclusive", reason="no workload agrees")


def _absolutes(study: Study) -> list[_ComparisonRow]:
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    return [
        _ComparisonRow(
            workloads[case.workload].family,
            case,
            BASELINE,
            metric,
            _paid(estimate, case_looks(blocks, case)),
            paired=False,
        )
        for case in blocks.cases()
        if not case.observers
        for metric, estimate in absolute(blocks, case, workloads[case.workload])
    ]


def _paid(estimate: Estimate, looks: float) -> Estimate:
    return msgspec.structs.replace(estimate, looks=looks)


def _matched(
    baseline: Sequence[_ComparisonRow], candidate: Sequence[_ComparisonRow], doubt: Doubt | None
) -> Iterator[_ComparisonRow]:
    """Compare the rows that both studies have, with a reason why they may have no verdict."""
    known = {(row.case, row.metric): row.estimate for row in baseline}
    for row in candidate:
        if (row.case, row.metric) in known:
            estimate = contrast(row.estimate, known[row.case, row.metric])
            if doubt is not None and estimate.doubt != "zero variance":  # which has no interval
                estimate = msgspec.structs.replace(estimate, doubt=doubt)
            yield row._replace(reference=BASELINE, estimate=estimate)


def _same_reference(baseline: Study, candidate: Study) -> bool:
    builds = [
        next(
            (one.build for one in study.header.interpreters if one.name == study.header.plan.reference), None
        )
        for study in (baseline, candidate)
    ]
    return builds[0] is not None and builds[0] == builds[1]


def _correlation(found: Sequence[_Paired]) -> float:
    """Estimate the correlation between the blocks of a session from all its rows together."""
    series = log_series([one.pair for one in found])
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
