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
from collections.abc import Collection, Iterator, Sequence

import msgspec

from gilbench.analyse.stats.estimates import Doubt, contrast
from gilbench.analyse.stats.verdicts import FDR, THRESHOLD, Verdict, verdicts
from gilbench.analyse.study.comparability import same_host
from gilbench.analyse.study.comparison_rows import (
    BASELINE,
    MEAN,
    ComparisonRow,
    absolute_rows,
    families_of,
    family_means,
    paired_rows,
    pairs_of,
    row_of_code,
    speedup_rows,
)
from gilbench.analyse.study.counts import compare_counts, compare_counts_of_studies
from gilbench.model.metrics import METRICS
from gilbench.model.results import Comparison
from gilbench.model.study import Study


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
    found = pairs_of(study)
    rows = [row_of_code(row, layout) for row in paired_rows(study, found) if row.metric in metrics]
    counted = tuple(row for row in compare_counts(study) if row.metric in metrics)
    judged = _judged(rows, threshold, fdr)
    if MEAN not in metrics:
        return (*judged, *counted)
    families = families_of(found)
    means = _judged(family_means(study, found, families, layout), threshold, fdr)
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
    before, now = (paired_rows(study, pairs_of(study)) for study in (baseline, candidate))
    rows = list(_matched(before, now, doubts[0])) if common else []
    paired = {(row.case, row.metric) for row in rows}
    rows += [
        row
        for row in _matched(absolute_rows(baseline), absolute_rows(candidate), doubts[1])
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
    return tuple(
        _judged(list(_matched(speedup_rows(baseline), speedup_rows(candidate), doubt)), threshold, fdr)
    )


def _confirmed(mean: Comparison, members: Collection[str]) -> Comparison:
    if mean.verdict in {"inconclusive", *members}:
        return mean
    return msgspec.structs.replace(mean, verdict="inconclusive", reason="no workload agrees")


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


def _same_reference(baseline: Study, candidate: Study) -> bool:
    builds = [
        next(
            (one.build for one in study.header.interpreters if one.name == study.header.plan.reference), None
        )
        for study in (baseline, candidate)
    ]
    return builds[0] is not None and builds[0] == builds[1]


def _judged(rows: Sequence[ComparisonRow], threshold: float, fdr: float) -> list[Comparison]:
    judged = verdicts(
        [row.estimate for row in rows],
        [METRICS[row.metric].better for row in rows],
        threshold=threshold,
        fdr=fdr,
    )
    return [_comparison(row, verdict) for row, verdict in zip(rows, judged, strict=True)]


def _comparison(row: ComparisonRow, verdict: Verdict) -> Comparison:
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
