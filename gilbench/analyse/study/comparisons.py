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
from collections.abc import Collection, Sequence

import msgspec

from gilbench.analyse.stats.verdicts import FDR, THRESHOLD, Verdict, verdicts
from gilbench.analyse.study.comparison_rows import (
    BASELINE,
    MEAN,
    ComparisonRow,
    interpreter_rows,
    row_of_code,
)
from gilbench.analyse.study.counts import compare_counts, compare_counts_of_studies
from gilbench.analyse.study.hosts import host_parts, host_spread, of_one_host
from gilbench.analyse.study.matched_rows import (
    matched_rows,
    matched_speedups,
    on_shared_hosts,
    same_reference,
)
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
    study = of_one_host(study)
    found = interpreter_rows(study)
    rows = [row_of_code(row, layout) for row in found.rows if row.metric in metrics]
    counted = tuple(row for row in compare_counts(study) if row.metric in metrics)
    judged = _judged(rows, threshold, fdr)
    if MEAN not in metrics:
        return (*judged, *counted)
    means = [row_of_code(row, layout, len(found.members[row.case])) for row in found.means]
    said = {row.case: row.verdict for row in judged if row.metric == MEAN}
    return (
        *judged,
        *(
            _confirmed(mean, {said[case] for case in found.members[mean.case] if case in said})
            for mean in _judged(means, threshold, fdr)
        ),
        *counted,
    )


def compare_hosts(
    study: Study,
    *,
    metrics: Collection[str] = METRICS.keys(),
    threshold: float = THRESHOLD,
    fdr: float = FDR,
    layout: float = 0.0,
) -> tuple[Comparison, ...]:
    """Compare every interpreter with the reference on each host of a fleet, as in a study of its own.

    Arguments are those of ``compare_interpreters``. The rows say what a row over hosts is made of. They are no more
    comparisons: no check counts them.

    Returns:
        The rows of each host, in the order of hosts; none if one host measured the study.
    """
    parts = host_parts(study)
    return tuple(
        msgspec.structs.replace(row, host=part.host.name)
        for part in (parts if len(parts) > 1 else ())
        for row in compare_interpreters(
            part.study, metrics=metrics, threshold=threshold, fdr=fdr, layout=layout
        )
    )


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
    instructions do not depend on the time, either. Two fleets are compared on the hosts that both have, host by host.

    Args:
        baseline: The earlier study.
        candidate: The later study.
        metrics: Metrics to compare; others do not count as comparisons.
        threshold: Smallest change of a timed metric that matters, a fraction, for example 0.02.
        fdr: False discovery rate among improved and regressed rows, a fraction.
        allow_unpaired: Whether rows that are unpaired or from different hosts get a verdict, too; see above for its
            error rate. Otherwise, they are inconclusive.
    """
    rows = [
        row
        for row in matched_rows(baseline, candidate, allow_unpaired=allow_unpaired)
        if row.metric in metrics
    ]
    if same_reference(baseline, candidate):
        reference = candidate.header.plan.reference
        rows = [row for row in rows if row.case.interpreter != reference] or rows
    counted = compare_counts_of_studies(*on_shared_hosts(baseline, candidate), BASELINE)
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
    return tuple(_judged(matched_speedups(baseline, candidate), threshold, fdr))


def _confirmed(mean: Comparison, members: Collection[str]) -> Comparison:
    if mean.verdict in {"inconclusive", *members}:
        return mean
    return msgspec.structs.replace(mean, verdict="inconclusive", reason="no workload agrees")


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
        blocks=row.hosts.blocks if row.hosts else interval.blocks,
        blocks_needed=None if row.hosts else verdict.blocks_needed,
        paired=row.paired,
        hosts=interval.blocks if row.hosts else None,
        hosts_needed=verdict.blocks_needed if row.hosts else None,
        spread=host_spread(row.hosts.spread, row.estimate.scale) if row.hosts else None,
    )


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
