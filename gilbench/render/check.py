"""What a gate says, as all its outputs write it: the headline, the lists in their order, the names in short."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from gilbench.analyse.gate import Expected, FailedCase, Gate
from gilbench.axes import variant
from gilbench.model import Comparison
from gilbench.render.compare import comparison_row, ratio, verdict
from gilbench.render.figures import case_name
from gilbench.render.guard import json_text, printable

SCHEMA = 1
LONGEST = 60  # characters of a name from outside
LONGEST_TEXT = 300  # characters of a sentence from outside
_TITLES = {
    "regressed": "Regressed",
    "known bad": "Regressed, as is known",
    "recovered": "Well again: take them off the list of what is known to be bad",
    "improved": "Improved",
    "inconclusive": "Inconclusive",
    "unsettled": "Inconclusive, and known to be bad",
    "equivalent": "Equivalent",
}


class Check(NamedTuple):
    """A gate with what is to be known before it is believed."""

    gate: Gate
    created: str  # when the judged study was made, ISO 8601
    against: str  # what it was held against: an interpreter, a file, or the history
    warnings: tuple[str, ...]
    threshold: float
    fdr: float
    exit_code: int


class Line(NamedTuple):
    """One row of a list: names from outside are short and printable, and not yet escaped."""

    workload: str
    interpreter: str
    metric: str
    threads: int
    ratio: str
    verdict: str
    reason: str  # why it is known to be bad


class Section(NamedTuple):
    """One list of a gate."""

    status: str
    rows: tuple[Comparison, ...] | tuple[Expected, ...]

    @property
    def title(self) -> str:
        """What stands above it."""
        return _TITLES[self.status]

    @property
    def lines(self) -> list[Line]:
        """Its rows, as they are written."""
        return [_line(row) for row in self.rows]


def headline(gate: Gate) -> str:
    """One sentence with the verdict."""
    count = sum(len(section.rows) for section in sections(gate))
    of = f"of {count} comparison{'s'[: count != 1]}"
    failed = f"; {len(gate.failed)} case{'s'[: len(gate.failed) != 1]} failed to run" if gate.failed else ""
    if gate.regressed:
        return f"regressed: {len(gate.regressed)} {of}{failed}"
    if not count:
        return f"inconclusive: nothing was compared{failed}"
    if gate.verdict == "pass":
        return f"pass: none {of} regressed, all are decided"
    return f"inconclusive: none {of} regressed, {len(gate.inconclusive)} cannot be decided{failed}"


def sections(gate: Gate) -> list[Section]:
    """The lists that are not empty, the most important first."""
    lists = (
        Section("regressed", gate.regressed),
        Section("known bad", gate.known_bad),
        Section("recovered", gate.recovered),
        Section("improved", gate.improved),
        Section("inconclusive", gate.inconclusive),
        Section("unsettled", gate.unsettled),
        Section("equivalent", gate.equivalent),
    )
    return [section for section in lists if section.rows]


def notes(check: Check) -> list[str]:
    """What a reader must know: rows of the list that excuse nothing, and warnings."""
    unused = [
        f"known to be bad, but not compared: {one.workload} on {one.interpreter}, {one.metric}"
        f"{f', {one.threads} threads' if one.threads is not None else ''} ({one.reason})"
        for one in check.gate.unused
    ]
    return [short(note, LONGEST_TEXT) for note in (*check.warnings, *unused)]


def failure(failed: FailedCase) -> str:
    """Why a case has no figures, in one line."""
    case = failed.case
    name = short(f"{case_name(case.workload, case.parameters)}")
    why = short(f"{failed.failure.kind}: {failed.failure.message}", LONGEST_TEXT)
    return f"{name} on {short(variant(case))}, {threads(case.threads)}: {why}"


def promise(check: Check) -> str:
    """What the verdicts mean."""
    return (
        f"A change of at most {check.threshold:.1%} does not matter here; false discoveries are held below "
        f"{check.fdr:.1%} over all rows. Intervals are 95 %."
    )


def threads(count: int) -> str:
    """A thread count with its noun."""
    return f"{count} thread{'s'[: count != 1]}"


def short(text: str, longest: int = LONGEST) -> str:
    """One line of a text from outside, cut where it is long."""
    return printable(text if len(text) <= longest else text[: longest - 1] + "…")


def check_json(check: Check) -> str:
    """The whole check for programs; names are whole, too."""
    document = {
        "schema": SCHEMA,
        "verdict": check.gate.verdict,
        "exit_code": check.exit_code,
        "against": check.against,
        "threshold": check.threshold,
        "fdr": check.fdr,
        "comparisons": [
            _flat(row, section.status) for section in sections(check.gate) for row in section.rows
        ],
        "failed": [
            {**msgspec.to_builtins(one.case), "kind": one.failure.kind, "message": one.failure.message}
            for one in check.gate.failed
        ],
        "unused_known_bad": check.gate.unused,
        "warnings": check.warnings,
    }
    return json_text(document) + "\n"


def _flat(row: Comparison | Expected, status: str) -> dict[str, Any]:
    comparison, reason = (row.comparison, row.reason) if isinstance(row, Expected) else (row, None)
    return {**comparison_row(comparison), "status": status, "known_reason": reason}


def _line(row: Comparison | Expected) -> Line:
    comparison, reason = (row.comparison, row.reason) if isinstance(row, Expected) else (row, "")
    return Line(
        workload=short(case_name(comparison.workload, comparison.parameters)),
        interpreter=short(variant(comparison)),
        metric=short(comparison.metric) if comparison.paired else f"{short(comparison.metric)} *",
        threads=comparison.threads,
        ratio=ratio(comparison),
        verdict=verdict(comparison),
        reason=short(reason, LONGEST_TEXT),
    )
