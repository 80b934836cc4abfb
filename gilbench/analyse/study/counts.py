"""Counted cases of a study: their cells, and comparisons of one or two studies."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import fmean

import msgspec

from gilbench.analyse.stats.counts import count_estimate, count_verdict, resolved
from gilbench.analyse.stats.estimates import Estimate, mean_estimate
from gilbench.analyse.stats.hosts import over_hosts
from gilbench.analyse.study.hosts import host_parts
from gilbench.model.metrics import METRICS
from gilbench.model.results import Caveat, Cell, Comparison
from gilbench.model.study import Case, Family, Study
from gilbench.plan.counting import INSTRUCTIONS, METRIC, RELATIVE

_CALLGRIND = "callgrind"  # shows every program the same processor, whatever the host's
Logs = Mapping[int | str, float]
"""Log of the instructions per operation by repeat, or of a fleet, by name of the host."""


def count_cells(study: Study) -> Iterator[Cell]:
    """Yield the instructions per operation of each counted case, and relative to the reference."""
    counts, families = count_logs(study), _families(study)
    for case, logs in counts.items():
        yield _cell(case, families[case.workload], METRIC, logs)
        reference = _reference(study, counts, case)
        if reference is not None:
            yield _cell(case, families[case.workload], RELATIVE, _ratios(logs, counts[reference]))


def compare_counts(study: Study) -> Iterator[Comparison]:
    """Compare the counts of every interpreter with those of the reference."""
    counts, families = count_logs(study), _families(study)
    for case, logs in counts.items():
        reference = _reference(study, counts, case)
        if reference is not None:
            ratios = _ratios(logs, counts[reference])
            yield _comparison(case, families[case.workload], reference.interpreter, ratios)


def compare_counts_of_studies(baseline: Study, candidate: Study, reference: str) -> Iterator[Comparison]:
    """Compare the counts of the candidate with those of the same cases of the baseline.

    A count does not depend on when it is made, so such rows are as good as those of one study. There are none if the
    counts of the studies differ for other reasons; see ``count_differences``.

    Args:
        baseline: The baseline.
        candidate: The candidate.
        reference: Name of the baseline in the rows.
    """
    if any(count_differences(baseline, candidate)):
        return
    before, families = count_logs(baseline), _families(candidate)
    for case, logs in count_logs(candidate).items():
        if case in before:
            yield _comparison(case, families[case.workload], reference, _ratios(logs, before[case]))


def count_differences(baseline: Study, candidate: Study) -> Iterator[Caveat]:
    """Yield the reason why the counts of two studies cannot be compared."""
    before, now = _tools(baseline), _tools(candidate)
    host, other = baseline.header.host, candidate.header.host
    if before and not now:
        yield Caveat(kind="counter", text="instructions were counted in the baseline only; add --count")
    elif before and now and before != now:
        tools = f"{' and '.join(sorted(before))}, then by {' and '.join(sorted(now))}"
        yield Caveat(kind="counter", text=f"instructions were counted by {tools}, and are not compared")
    elif before - {_CALLGRIND} and now and host.cpu_model != other.cpu_model:
        yield Caveat(kind="counter", text="instructions counted on different CPUs are not compared")


def count_logs(study: Study) -> dict[Case, dict[int | str, float]]:
    """Return the log of the instructions per operation by counted case, in the order of the plan.

    Of a fleet, it is the mean over the repeats of each host.
    """
    parts = host_parts(study)
    if parts:
        by_host = {part.host.name: count_logs(part.study) for part in parts}
        return {
            case: {name: fmean(logs[case].values()) for name, logs in by_host.items() if case in logs}
            for case in study.header.plan.cases
            if any(case in logs for logs in by_host.values())
        }
    found: dict[Case, dict[int | str, float]] = defaultdict(dict)
    for run in study.runs:
        for reading in run.readings:
            if reading.observer == INSTRUCTIONS and reading.figures.get(METRIC):
                found[study.header.plan.cases[run.case]][run.block] = math.log(reading.figures[METRIC])
    return {case: found[case] for case in study.header.plan.cases if case in found}


def _tools(study: Study) -> set[str]:
    return {
        reading.by
        for run in study.runs
        for reading in run.readings
        if reading.observer == INSTRUCTIONS and reading.by
    }


def _families(study: Study) -> dict[str, Family]:
    return {workload.name: workload.family for workload in study.header.workloads}


def _reference(study: Study, counts: Mapping[Case, Logs], case: Case) -> Case | None:
    """Return the same case on the reference. A reference with a fixed GIL mode runs in that mode."""
    name = study.header.plan.reference
    if case.interpreter == name:
        return None
    same: Case = msgspec.structs.replace(case, interpreter=name)
    fixed: Case = msgspec.structs.replace(same, gil=None)
    return next((one for one in (same, fixed) if one in counts), None)


def _ratios(ours: Logs, theirs: Logs) -> dict[int | str, float]:
    """Return the log-ratio of each repeat, both of whose counts have the same hash seed."""
    return {repeat: ours[repeat] - theirs[repeat] for repeat in ours if repeat in theirs}


def _cell(case: Case, family: Family, metric: str, logs: Logs) -> Cell:
    interval = _estimate(logs).interval()
    return Cell(
        case=case,
        family=family,
        metric=metric,
        unit=METRICS[metric].unit,
        better=METRICS[metric].better,
        value=interval.value,
        lo=interval.lo,
        hi=interval.hi,
        blocks=interval.blocks,
        hosts=_hosts(logs),
    )


def _comparison(case: Case, family: Family, reference: str, logs: Logs) -> Comparison:
    estimate = _estimate(logs)
    interval, verdict = estimate.interval(), count_verdict(estimate)
    return Comparison(
        case=case,
        family=family,
        reference=reference,
        metric=METRIC,
        better=METRICS[METRIC].better,
        ratio=interval.value if math.isfinite(interval.value) else None,
        lo=interval.lo,
        hi=interval.hi,
        verdict=verdict.verdict,
        reason=verdict.reason,
        blocks=interval.blocks,
        blocks_needed=None,
        paired=True,
        hosts=_hosts(logs),
    )


def _estimate(logs: Logs) -> Estimate:
    if _hosts(logs) is None:
        return count_estimate([*logs.values()])
    return resolved(over_hosts([mean_estimate([log]) for log in logs.values()]))


def _hosts(logs: Logs) -> int | None:
    """Return over how many hosts some counts are; None: they are of one host."""
    return len(logs) if any(isinstance(key, str) for key in logs) else None
