"""The rows of a comparison before their verdicts: each an estimate of a ratio, or of an absolute value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from gilbench.analyse.stats.drift import drift_correlation
from gilbench.analyse.stats.estimates import Estimate, mean_estimate
from gilbench.analyse.stats.geomean import geometric_mean
from gilbench.analyse.stats.hosts import Spread, over_hosts, spread
from gilbench.analyse.stats.layout import mean_sd, of_code
from gilbench.analyse.study.disturbance import is_disturbed
from gilbench.analyse.study.hosts import by_key, host_parts
from gilbench.analyse.study.index import Blocks, throughput
from gilbench.analyse.study.looks import case_looks
from gilbench.analyse.study.samples import Pair, absolute, base_case, log_series, pairs
from gilbench.model.metrics import METRICS
from gilbench.model.results import family_title
from gilbench.model.study import Case, Family, Study, Workload

BASELINE = "baseline"  # reference of the rows if two studies are compared
MEAN = "throughput"  # the metric that is averaged over a family
TIMED = frozenset({"s", "1/s"})
"""Units of the metrics that code layout changes: in a quotient or a share of the same binary, it cancels."""


class ComparisonRow(NamedTuple):
    """One row of a comparison, before its verdict."""

    family: Family
    case: Case
    reference: str
    metric: str
    estimate: Estimate
    paired: bool
    hosts: OfHosts | None = None  # that the row is over; None: it is of one host


class OfHosts(NamedTuple):
    """What a row over hosts is based on."""

    blocks: int  # of all hosts together
    spread: Spread | None  # between the hosts


class InterpreterRows(NamedTuple):
    """The rows of one study: of single cases, and their geometric means over families."""

    rows: list[ComparisonRow]
    means: list[ComparisonRow]
    members: Mapping[Case, tuple[Case, ...]]  # the cases of each mean


class Paired(NamedTuple):
    """One metric of a case and of the same case on the reference."""

    case: Case
    workload: Workload
    pair: Pair
    looks: float  # of a growing study, which its interval pays for


def speedup_rows(study: Study) -> list[ComparisonRow]:
    """Return the speedups over one thread of a study, within blocks; of a fleet, over its hosts."""
    parts = host_parts(study)
    if parts:
        return rows_over_hosts(_speedups_of_one(part.study) for part in parts)
    return _speedups_of_one(study)


def _speedups_of_one(study: Study) -> list[ComparisonRow]:
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
            found.append(ComparisonRow(workload.family, case, BASELINE, "speedup", paid, paired=True))
    return found


def pairs_of(study: Study) -> list[Paired]:
    """Return each metric of each case with that of the same case on the reference."""
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    found: list[Paired] = []
    for case in blocks.cases():
        reference = blocks.reference(case)
        if reference is not None:
            workload, looks = workloads[case.workload], case_looks(blocks, case)
            found += [
                Paired(case, workload, pair, looks) for pair in pairs(blocks, case, reference, workload)
            ]
    return found


def interpreter_rows(study: Study) -> InterpreterRows:
    """Return the ratios to the reference, within blocks; of a fleet, over its hosts."""
    parts = [_rows_of_one(part.study) for part in host_parts(study)]
    if not parts:
        return _rows_of_one(study)
    members = _same_members(part.members for part in parts)
    means = [row for row in rows_over_hosts(part.means for part in parts) if row.case in members]
    return InterpreterRows(rows_over_hosts(part.rows for part in parts), means, members)


def _same_members(parts: Iterable[Mapping[Case, tuple[Case, ...]]]) -> dict[Case, tuple[Case, ...]]:
    """Return the cases of the means that are over the same workloads on all hosts."""
    found = by_key((part.items() for part in parts), lambda item: item[0])
    return {case: items[0][1] for case, items in found.items() if len(set(items)) == 1}


def rows_over_hosts(parts: Iterable[Sequence[ComparisonRow]]) -> list[ComparisonRow]:
    """Unite the rows of hosts. A row that a host lacks, although it has the case, is left out: it would be of others.

    Args:
        parts: The rows of each host.
    """
    taken = list(parts)
    measured = Counter(case for part in taken for case in {row.case for row in part})
    return [
        rows[0]._replace(
            estimate=over_hosts([row.estimate for row in rows]),
            paired=all(row.paired for row in rows),
            hosts=OfHosts(sum(row.estimate.blocks for row in rows), spread([row.estimate for row in rows])),
        )
        for (case, _), rows in by_key(taken, lambda row: (row.case, row.metric)).items()
        if len(rows) == measured[case]
    ]


def _rows_of_one(study: Study) -> InterpreterRows:
    found = pairs_of(study)
    families, correlation = families_of(found), _correlation(found)
    return InterpreterRows(
        _paired_rows(study, found, correlation),
        _family_means(study, families, correlation),
        {case: tuple(one.case for one in members) for case, members in families.items()},
    )


def _paired_rows(study: Study, found: Sequence[Paired], correlation: float) -> list[ComparisonRow]:
    """Return the ratios to the reference."""
    blocks = Blocks(study.header.plan, study.runs)
    return [
        ComparisonRow(
            workload.family,
            case,
            blocks.reference_name(case),
            pair.metric,
            _paid(pair.estimate(correlation), looks),
            paired=True,
        )
        for case, workload, pair, looks in found
    ]


def families_of(found: Sequence[Paired]) -> dict[Case, list[Paired]]:
    """Return the throughputs of each family with at least two cases, by interpreter and thread count."""
    families: dict[Case, list[Paired]] = defaultdict(list)
    for one in found:
        if one.pair.metric == MEAN and one.workload.driver == "parallel" and not one.case.observers:
            title = family_title(one.workload.family)
            families[msgspec.structs.replace(one.case, workload=title, parameters=())].append(one)
    return {case: members for case, members in families.items() if len(members) > 1}


def _family_means(
    study: Study, families: Mapping[Case, Sequence[Paired]], correlation: float
) -> list[ComparisonRow]:
    """Return the geometric mean of throughput over each family."""
    return [
        ComparisonRow(
            members[0].workload.family,
            case,
            study.header.plan.reference,
            MEAN,
            _paid(
                geometric_mean([one.pair.logs for one in members], correlation=correlation),
                max(one.looks for one in members),
            ),
            paired=True,
        )
        for case, members in families.items()
    ]


def row_of_code(row: ComparisonRow, layout: float, workloads: int = 1) -> ComparisonRow:
    """Include the effect of code layout in a row, which may be the mean of several workloads.

    All hosts of a fleet have the same two layouts, so more hosts do not reduce the effect.
    """
    timed = METRICS[row.metric].unit in TIMED
    return row._replace(estimate=of_code(row.estimate, mean_sd(layout, workloads))) if timed else row


def absolute_rows(study: Study) -> list[ComparisonRow]:
    """Return the absolute values of a study, which are not paired; of a fleet, over its hosts."""
    parts = host_parts(study)
    if parts:
        return rows_over_hosts(_absolute_of_one(part.study) for part in parts)
    return _absolute_of_one(study)


def _absolute_of_one(study: Study) -> list[ComparisonRow]:
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    return [
        ComparisonRow(
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


def _correlation(found: Sequence[Paired]) -> float:
    """Estimate the correlation between the blocks of a session from all its rows together."""
    series = log_series([one.pair for one in found])
    longest = max(map(len, series), default=0)
    return (
        float(drift_correlation([np.asarray(one) for one in series if len(one) == longest]))
        if series
        else 0.0
    )
