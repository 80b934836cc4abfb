"""Reads a saved check."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import msgspec

from gilbench.model.errors import StudyError
from gilbench.model.excerpt import excerpt
from gilbench.model.explanation import Explanation
from gilbench.model.metrics import METRICS
from gilbench.model.results import (
    ByHost,
    Caveat,
    Check,
    Comparison,
    Expected,
    FailedCase,
    Finding,
    Gate,
    HostKind,
    Known,
)
from gilbench.model.study import Case, Failure, Interpreter, Parameters, Struct, Value
from gilbench.store.artefact import is_date, read_document

SCHEMA = 1
_ROUNDED = 1 + 1e-6
_VERDICTS = {  # by status
    "regressed": {"regressed"},
    "known bad": {"regressed"},
    "recovered": {"improved", "equivalent"},
    "unsettled": {"inconclusive"},
    "improved": {"improved"},
    "inconclusive": {"inconclusive"},
    "equivalent": {"equivalent"},
    "summary": {"regressed", "improved", "inconclusive", "equivalent"},
}
_KNOWN = {"known bad", "recovered", "unsettled"}


class _Document(Struct, frozen=True):
    schema: int
    kind: Literal["check"]
    verdict: Literal["pass", "regressed", "inconclusive", "no baseline"]
    created: str
    against: str
    threshold: float
    fdr: float
    exit_code: Literal[0, 1, 3, 4, 130]
    comparisons: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    unused_known_bad: tuple[Known, ...]
    caveats: tuple[Caveat, ...]
    interpreters: tuple[Interpreter, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    host_kinds: tuple[HostKind, ...] = ()
    host_comparisons: tuple[dict[str, Any], ...] = ()
    host_findings: tuple[str, ...] = ()


def read_check(path: Path) -> Check:
    """Read a check.

    Raises:
        StudyError: The file cannot be read, is not a check, or has impossible values.
    """
    document = read_document(path, _Document, SCHEMA, "check")
    try:
        return _check(document)
    except (KeyError, ValueError, msgspec.ValidationError) as error:
        raise StudyError(
            f"{path} is damaged: {error}\nWrite it again: gilbench check -o FILE.json"
        ) from error


def _check(document: _Document) -> Check:
    lists: dict[str, list[Any]] = {status: [] for status in _VERDICTS}
    seen = set[tuple[Any, ...]]()
    for row in document.comparisons:
        status, comparison = msgspec.convert(row.pop("status"), str), _comparison(row, document.threshold)
        if comparison.verdict not in _VERDICTS.get(status, ()):
            raise ValueError(f"a row with the verdict {comparison.verdict} has the status {status!r}")
        place = (comparison.case, comparison.reference, comparison.metric)
        if place in seen:
            raise ValueError(f"a second row of {excerpt(comparison.case.workload, 40)!r}")
        seen.add(place)
        expected = (
            Expected(comparison=comparison, reason=str(row["known_reason"]))
            if status in _KNOWN
            else comparison
        )
        lists[status].append(expected)
    gate = Gate(
        verdict=document.verdict,
        unused=document.unused_known_bad,
        failed=tuple(map(_failed, document.failed)),
        **{status.replace(" ", "_"): tuple(rows) for status, rows in lists.items()},
    )
    judged = len(document.comparisons) - len(gate.summary)
    undecided = bool(gate.inconclusive or gate.failed or not judged)
    said = "regressed" if gate.regressed else "inconclusive" if undecided else "pass"
    if gate.verdict == "no baseline":
        said = "inconclusive" if document.comparisons else "no baseline"
    if gate.verdict != said or not all(row.is_mean for row in gate.summary):
        raise ValueError(f"the verdict {gate.verdict!r} contradicts the rows")
    if document.exit_code not in _exit_codes(gate):
        raise ValueError(f"the exit code {document.exit_code} contradicts the rows")
    if not is_date(document.created):
        raise ValueError(f"the date {excerpt(document.created, 40)!r} is not ISO 8601")
    if not (0 <= document.threshold < 1 and 0 < document.fdr < 1):
        raise ValueError("threshold or fdr is not a fraction")
    return Check(
        gate=gate,
        created=document.created,
        against=document.against,
        caveats=document.caveats,
        threshold=document.threshold,
        fdr=document.fdr,
        interpreters=document.interpreters,
        exit_code=document.exit_code,
        explanations=document.explanations,
        hosts=_hosts(document),
    )


def _hosts(document: _Document) -> ByHost | None:
    """Return what the document has about the hosts of a fleet; None: nothing."""
    if not document.host_kinds:
        return None
    known = {name for kind in document.host_kinds for name in kind.hosts}
    rows = tuple(_comparison(row, document.threshold) for row in document.host_comparisons)
    if not all(row.host in known for row in rows):
        raise ValueError("a row is of an unknown host")
    findings = tuple(Finding(kind="hosts", text=text) for text in document.host_findings)
    return ByHost(kinds=document.host_kinds, rows=rows, findings=findings)


def _comparison(row: dict[str, Any], threshold: float) -> Comparison:
    made = msgspec.convert({**row, "case": _case(row)}, Comparison)
    low, ratio, high = (
        (0.0 if made.lo is None else made.lo),
        made.ratio,
        (math.inf if made.hi is None else made.hi),
    )
    if ratio is not None and not 0 <= low <= ratio <= high:
        raise ValueError(f"the ratio {ratio:g} is outside its interval")
    if min(made.blocks, made.blocks_needed or 0, made.hosts or 0, made.hosts_needed or 0) < 0:
        raise ValueError("a number of blocks or hosts is negative")
    if made.metric not in METRICS:
        raise ValueError(f"unknown metric {made.metric!r}")
    if made.better != METRICS[made.metric].better:
        raise ValueError(f"{made.better!r} is not the better direction of {made.metric}")
    if made.verdict != "inconclusive" and not (
        ratio is not None and made.blocks and _fits(made, low, high, threshold)
    ):
        raise ValueError(f"the verdict {made.verdict} contradicts the ratio {ratio} ({low:g} to {high:g})")
    return made


def _fits(row: Comparison, low: float, high: float, threshold: float) -> bool:
    """Return whether a verdict is on the side of 1 on which the interval is."""
    if row.verdict == "equivalent":  # of fractions, the difference is small, not the ratio
        most = (1 + threshold) * _ROUNDED
        return METRICS[row.metric].unit == "fraction" or (low <= most and high >= 1 / most)
    worse = high <= 1 if row.better == "higher" else low >= 1
    better = low >= 1 if row.better == "higher" else high <= 1
    return worse if row.verdict == "regressed" else better


def _exit_codes(gate: Gate) -> set[int]:
    """Return the exit codes that a verdict can have; 3 only with ``--strict``."""
    if gate.regressed:
        return {1, 130}
    if gate.failed:
        return {4, 130}
    return {0, 130} if gate.verdict == "pass" else {0, 3, 130}


def _failed(row: dict[str, Any]) -> FailedCase:
    return FailedCase(
        case=_case(row),
        failure=msgspec.convert({"kind": row["kind"], "message": row["message"]}, Failure),
    )


def _case(row: dict[str, Any]) -> Case:
    fields = {name: row[name] for name in Case.__struct_fields__ if name in row}
    given = msgspec.convert(row["parameters"], dict[str, Value] | Parameters)
    parameters = tuple(given.items()) if isinstance(given, dict) else given
    case = msgspec.convert({**fields, "parameters": parameters}, Case)
    if case.threads < 0:
        raise ValueError("the number of threads is negative")
    return case
