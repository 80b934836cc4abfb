"""The gate of a check: one verdict from many comparisons and the known regressions."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

import msgspec

from gilbench.analyse.study.index import Blocks
from gilbench.model.metrics import METRICS
from gilbench.model.results import Comparison, Expected, FailedCase, Gate, Known
from gilbench.model.study import Case, Study
from gilbench.plan.counting import METRIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gilbench.model.history import Series

JUDGED = ("throughput", "wall_time", "latency_p50", "latency_p99", "delivered", METRIC)
"""The default metrics: those that the user of a program notices. Speedup and throughput vs unloaded are quotients of
compared throughputs, and drop if one thread gets faster; every additional row also reduces the power of the others. The
throughput of added threads drops if a service is scheduled better. Instructions are there only if ``--count`` was
given, which asks for their verdict: more work fails a check even if no time shows it yet."""
JUDGEABLE = tuple(metric.name for metric in METRICS.values() if metric.better != "neither")


def decide(
    comparisons: Sequence[Comparison], known: Sequence[Known] = (), failed: Sequence[FailedCase] = ()
) -> Gate:
    """Return the verdict of a check.

    Means over families do not count: each workload has its own row, which may be a known regression.

    Args:
        comparisons: All rows.
        known: Known regressions; the first that matches a row gives its reason.
        failed: Cases that failed to run.
    """
    judged = [row for row in comparisons if not row.is_mean]
    excuses = [next((one for one in known if covers(one, row)), None) for row in judged]
    plain = [row for row, excuse in zip(judged, excuses, strict=True) if excuse is None]
    expected = [
        Expected(comparison=row, reason=excuse.reason)
        for row, excuse in zip(judged, excuses, strict=True)
        if excuse is not None
    ]
    regressed, improved, inconclusive, equivalent = (
        tuple(row for row in plain if row.verdict == verdict)
        for verdict in ("regressed", "improved", "inconclusive", "equivalent")
    )
    undecided = bool(inconclusive or failed or not judged)
    return Gate(
        verdict="regressed" if regressed else "inconclusive" if undecided else "pass",
        regressed=regressed,
        known_bad=tuple(one for one in expected if one.comparison.verdict == "regressed"),
        recovered=tuple(one for one in expected if one.comparison.verdict in {"improved", "equivalent"}),
        unsettled=tuple(one for one in expected if one.comparison.verdict == "inconclusive"),
        improved=improved,
        inconclusive=inconclusive,
        equivalent=equivalent,
        summary=tuple(row for row in comparisons if row.is_mean),
        unused=tuple(one for one in known if not any(covers(one, row) for row in comparisons)),
        failed=tuple(failed),
    )


def no_baseline(failed: Sequence[FailedCase] = ()) -> Gate:
    """Return the verdict of a check that has nothing to compare with."""
    return msgspec.structs.replace(decide((), (), failed), verdict="no baseline")


def exit_code(gate: Gate, *, strict: bool = False) -> int:
    """Return the exit code of a check.

    Args:
        gate: The verdict.
        strict: Whether a verdict that is inconclusive, or has no baseline, has its own exit code.
    """
    if gate.verdict == "regressed":
        return 1
    if gate.failed:
        return 4
    return 3 if strict and gate.verdict in {"inconclusive", "no baseline"} else 0


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


def covers(known: Known, row: Comparison | Series) -> bool:
    """Return whether a known regression matches a comparison, or a series of a history."""
    return (
        fnmatch.fnmatchcase(row.case.workload, known.workload)
        and fnmatch.fnmatchcase(row.case.interpreter, known.interpreter)
        and fnmatch.fnmatchcase(row.metric, known.metric)
        and known.threads in {None, row.case.threads}
        and known.parameters.items() <= dict(row.case.parameters).items()
    )
