"""The gate of a check: one verdict from many comparisons and the known regressions."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

import msgspec

from gilbench.analyse.study.comparisons import compare_studies
from gilbench.analyse.study.index import Blocks
from gilbench.model.metrics import METRICS
from gilbench.model.results import Comparison, Expected, FailedCase, Gate, Known
from gilbench.model.study import Case, Study
from gilbench.plan.counting import METRIC

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

JUDGED = ("throughput", "latency_p50", "latency_p99", "delivered", METRIC)
"""The default metrics: those that the user of a program notices. Speedup and throughput vs unloaded are quotients of
compared throughputs, and drop if one thread gets faster; every additional row also reduces the power of the others. The
throughput of added threads drops if a service is scheduled better. Instructions are there only if ``--count`` was
given, which asks for their verdict: more work fails a check even if no time shows it yet."""
JUDGEABLE = tuple(metric.name for metric in METRICS.values() if metric.better != "neither")


def decide(
    comparisons: Sequence[Comparison], known: Sequence[Known] = (), failed: Sequence[FailedCase] = ()
) -> Gate:
    """Return the verdict of a check.

    Args:
        comparisons: All rows.
        known: Known regressions; the first that matches a row gives its reason.
        failed: Cases that failed to run.
    """
    excuses = [next((one for one in known if covers(one, row)), None) for row in comparisons]
    plain = [row for row, excuse in zip(comparisons, excuses, strict=True) if excuse is None]
    expected = [
        Expected(comparison=row, reason=excuse.reason)
        for row, excuse in zip(comparisons, excuses, strict=True)
        if excuse is not None
    ]
    regressed, improved, inconclusive, equivalent = (
        tuple(row for row in plain if row.verdict == verdict)
        for verdict in ("regressed", "improved", "inconclusive", "equivalent")
    )
    undecided = bool(inconclusive or failed or not comparisons)
    return Gate(
        verdict="regressed" if regressed else "inconclusive" if undecided else "pass",
        regressed=regressed,
        known_bad=tuple(one for one in expected if one.comparison.verdict == "regressed"),
        recovered=tuple(one for one in expected if one.comparison.verdict in {"improved", "equivalent"}),
        unsettled=tuple(one for one in expected if one.comparison.verdict == "inconclusive"),
        improved=improved,
        inconclusive=inconclusive,
        equivalent=equivalent,
        unused=tuple(one for one in known if not any(covers(one, row) for row in comparisons)),
        failed=tuple(failed),
    )


def exit_code(gate: Gate, *, strict: bool = False) -> int:
    """Return the exit code of a check.

    Args:
        gate: The verdict.
        strict: Whether an inconclusive verdict has its own exit code.
    """
    if gate.verdict == "regressed":
        return 1
    if gate.failed:
        return 4
    return 3 if strict and gate.verdict == "inconclusive" else 0


def compare_for_gate(
    baseline: Study, candidate: Study, *, metrics: Collection[str], threshold: float, fdr: float
) -> tuple[Comparison, ...]:
    """Compare two studies, without the reference itself if there are other rows.

    The reference separates the effect of the host from that of the code. Its own absolute values at different times
    depend on the host, and must not fail a check.
    """
    for candidate_side in (_hide_reference(candidate), candidate):
        rows = compare_studies(baseline, candidate_side, metrics=metrics, threshold=threshold, fdr=fdr)
        if rows:
            return rows
    return ()


def failed_cases(study: Study) -> tuple[FailedCase, ...]:
    """Return every case with a failed run once. An unsupported workload is not a failure."""
    found: dict[Case, FailedCase] = {}
    for run in study.runs:
        if run.failure is not None and run.failure.kind != "unsupported":
            case = study.header.plan.cases[run.case]
            found.setdefault(case, FailedCase(case=case, failure=run.failure))
    return tuple(found.values())


def not_measured(baseline: Study, candidate: Study) -> tuple[Case, ...]:
    """Return the cases of the baseline without a run of the candidate."""
    there = set(Blocks(candidate.header.plan, candidate.runs).cases())
    before = Blocks(baseline.header.plan, baseline.runs).cases()
    return tuple(case for case in before if not case.observers and case not in there)


def _hide_reference(study: Study) -> Study:
    """Rename the reference to a name that no other study has, so that its cases have no match."""
    plan, hidden = study.header.plan, "\0reference"
    cases = tuple(
        msgspec.structs.replace(case, interpreter=hidden) if case.interpreter == plan.reference else case
        for case in plan.cases
    )
    interpreters = tuple(
        msgspec.structs.replace(one, name=hidden) if one.name == plan.reference else one
        for one in study.header.interpreters
    )
    header = msgspec.structs.replace(
        study.header,
        plan=msgspec.structs.replace(plan, cases=cases, reference=hidden),
        interpreters=interpreters,
    )
    return msgspec.structs.replace(study, header=header)


def covers(known: Known, row: Comparison) -> bool:
    """Return whether a known regression matches a comparison."""
    return (
        fnmatch.fnmatchcase(row.case.workload, known.workload)
        and fnmatch.fnmatchcase(row.case.interpreter, known.interpreter)
        and fnmatch.fnmatchcase(row.metric, known.metric)
        and known.threads in {None, row.case.threads}
        and known.parameters.items() <= dict(row.case.parameters).items()
    )
