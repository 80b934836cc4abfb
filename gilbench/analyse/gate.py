"""The gate: one verdict from many comparisons, and from what is known to be bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from gilbench.analyse.blocks import Blocks
from gilbench.analyse.comparisons import compare_studies
from gilbench.metrics import METRICS
from gilbench.model import Case, Comparison, Failure, Struct, Study
from gilbench.store.known_bad import Known

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

JUDGED = ("throughput", "latency_p50", "latency_p99", "delivered")
"""What a gate judges unless told otherwise: what the user of a program notices. Speed-up and what is retained
are quotients of two throughputs that are judged already, and fall where one thread alone gets faster; a row
more also costs every other one certainty. The throughput of background threads falls where a service is
scheduled better."""
JUDGEABLE = tuple(metric.name for metric in METRICS.values() if metric.better != "neither")


class Expected(Struct, frozen=True):
    """A row that is known to be bad."""

    comparison: Comparison
    reason: str


class FailedCase(Struct, frozen=True):
    """A case of which at least one run failed, with the first failure."""

    case: Case
    failure: Failure


class Gate(Struct, frozen=True):
    """What a check says; each comparison stands in exactly one of the lists.

    ``verdict`` is *regressed* where a row regressed that is not known to be bad, *pass* where there are rows,
    every other one was decided and every run succeeded, else *inconclusive*.
    """

    verdict: Literal["pass", "regressed", "inconclusive"]
    regressed: tuple[Comparison, ...]
    known_bad: tuple[Expected, ...]  # regressed, as expected
    recovered: tuple[Expected, ...]  # known to be bad, and well again
    unsettled: tuple[Expected, ...]  # known to be bad, and inconclusive now
    improved: tuple[Comparison, ...]
    inconclusive: tuple[Comparison, ...]
    equivalent: tuple[Comparison, ...]
    unused: tuple[Known, ...]  # of the known ones, those that no comparison is of
    failed: tuple[FailedCase, ...]


def judge(
    comparisons: Sequence[Comparison], known: Sequence[Known] = (), failed: Sequence[FailedCase] = ()
) -> Gate:
    """Come to one verdict.

    Args:
        comparisons: All rows.
        known: What is known to be bad; the first that covers a row gives its reason.
        failed: What could not be measured.
    """
    excuses = [next((one for one in known if one.covers(row)), None) for row in comparisons]
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
        unused=tuple(one for one in known if not any(one.covers(row) for row in comparisons)),
        failed=tuple(failed),
    )


def compare_for_gate(
    baseline: Study, candidate: Study, *, metrics: Collection[str], threshold: float, fdr: float
) -> tuple[Comparison, ...]:
    """Compare two studies, leaving out the reference itself where the others are compared by it.

    The reference is what tells the host from the code: its own absolute figures, hours apart, say how the
    host was, and must not fail a gate.
    """
    for candidate_side in (_hide_reference(candidate), candidate):
        rows = compare_studies(baseline, candidate_side, metrics=metrics, threshold=threshold, fdr=fdr)
        if rows:
            return rows
    return ()


def failed_cases(study: Study) -> tuple[FailedCase, ...]:
    """Every case with a failed run, once; what a build does not support is no failure."""
    found: dict[Case, FailedCase] = {}
    for run in study.runs:
        if run.failure is not None and run.failure.kind != "unsupported":
            case = study.header.plan.cases[run.case]
            found.setdefault(case, FailedCase(case=case, failure=run.failure))
    return tuple(found.values())


def not_measured(baseline: Study, candidate: Study) -> tuple[Case, ...]:
    """The cases of the baseline that the candidate gave no figure of."""
    there = set(Blocks(candidate.header.plan, candidate.runs).cases())
    before = Blocks(baseline.header.plan, baseline.runs).cases()
    return tuple(case for case in before if not case.observers and case not in there)


def _hide_reference(study: Study) -> Study:
    """Call the reference as no interpreter of another study is called, so that its own cases have no match."""
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
