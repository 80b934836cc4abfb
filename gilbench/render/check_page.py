"""A check as a page: the headline, each list of the gate, the failures, and the warnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from gilbench.model.results import Check, Comparison, Expected, FailedCase, Gate, HostKind
from gilbench.plan.axes import variant
from gilbench.render.counts import is_count, judged_by
from gilbench.render.explanation_parts import explanation_parts
from gilbench.render.figures import SENTENCE, case_name, ratio_text, short, threads_name, verdict_text
from gilbench.render.host_tables import document_of_hosts, head_of_hosts, kinds_of_result, rows_by_host
from gilbench.render.page import Column, Entry, Page, Part, Section, Sentences, Table, Text, Tone
from gilbench.render.rows import flat
from gilbench.render.started import started

SCHEMA = 1
COMMENT = 60_000  # characters of Markdown: GitHub accepts 65 536 in a comment
OPEN_ROWS = 10  # a longer table is folded
_MOST = 10  # failures or warnings shown; JSON contains all
_TITLES: dict[str, tuple[str, Tone]] = {
    "regressed": ("Regressed", "bad"),
    "known bad": ("Known regressions", "warning"),
    "recovered": ("Fixed: remove from the known-bad list", "good"),
    "improved": ("Improved", "good"),
    "inconclusive": ("Inconclusive", "faint"),
    "unsettled": ("Inconclusive known regressions", "faint"),
    "equivalent": ("Equivalent", "plain"),
    "summary": ("Family means, which do not decide", "faint"),
}
_OPEN = frozenset({"regressed", "known bad", "recovered"})  # unless long; the other lists are always folded
_TONES: dict[str, Tone] = {
    "pass": "good",
    "regressed": "bad",
    "inconclusive": "warning",
    "no baseline": "warning",
}


class CheckRow(NamedTuple):
    """One comparison of a list. Its names are shortened but not escaped."""

    workload: str
    interpreter: str
    metric: str
    threads: int
    ratio: str
    verdict: str
    reason: str  # why the regression is known


class GateList(NamedTuple):
    """One list of a gate that is not empty: its timed rows, or its counted ones."""

    status: str
    counted: bool
    items: tuple[Expected, ...]  # with an empty reason if the regression is not known

    @property
    def title(self) -> str:
        """The heading of the list."""
        title = _TITLES[self.status][0]
        return f"Work done (instructions, not time): {title.lower()}" if self.counted else title

    @property
    def rows(self) -> list[CheckRow]:
        """The comparisons of the list, as all outputs write them."""
        return [_row(item.comparison, item.reason) for item in self.items]


def check_page(check: Check) -> Page:
    """Lay out a check."""
    found = sections(check.gate)
    findings = check.hosts.findings if check.hosts else ()
    title = Text(f"gilbench check: {headline(check.gate)}", _TONES[check.gate.verdict])
    lists: tuple[Part, ...] = (
        Sentences(f"Failed to run: {len(check.gate.failed)}", _first(map(failure, check.gate.failed)), "bad"),
        *_with_explanations(check, found),
        *rows_by_host([item.comparison for section in found for item in section.items], check.hosts),
        Sentences("Hosts", _first(short(one.text, SENTENCE) for one in findings)),
        Sentences("Warnings", _first(notes(check)), "warning"),
    )
    return Page(
        title=title,
        lead=(
            *head_of_hosts(kinds_of_result(check.hosts)),
            *started(check.interpreters),
            *([Text(how_to_read(check), "faint")] if found else []),
        ),
        parts=tuple(part for part in lists if not isinstance(part, Sentences) or part.items),
        document=_document(check, found),
        rows=_flat(found, kinds_of_result(check.hosts)),
        closing=title,
        longest=COMMENT,
    )


def _with_explanations(check: Check, found: Sequence[GateList]) -> Iterator[Part]:
    """Yield the lists, and the explanations in front of the first that is not of regressions."""
    regressed = [section for section in found if section.status == "regressed"]
    yield from map(_table, regressed)
    yield from explanation_parts(check.explanations)
    yield from (_table(section) for section in found if section.status != "regressed")


def headline(gate: Gate) -> str:
    """Return the verdict in one sentence."""
    count = sum(len(section.items) for section in sections(gate) if section.status != "summary")
    of = f"of {count} comparison{'s'[: count != 1]}"
    failed = f"; {len(gate.failed)} case{'s'[: len(gate.failed) != 1]} failed to run" if gate.failed else ""
    if gate.regressed:
        counted = sum(map(is_count, gate.regressed))
        work = f", {counted} of them in work done, not in time" if counted else ""
        return f"regressed: {len(gate.regressed)} {of}{work}{failed}"
    if gate.verdict == "no baseline":
        return f"no baseline yet: nothing was compared{failed}"
    if not count:
        return f"inconclusive: nothing was compared{failed}"
    if gate.verdict == "pass":
        known = len(gate.known_bad) + len(gate.unsettled)
        if known:
            return f"pass: 0 {of} newly regressed, {known} known"
        return f"pass: 0 {of} regressed, all are conclusive"
    return f"inconclusive: 0 {of} regressed, {len(gate.inconclusive)} inconclusive{failed}"


def sections(gate: Gate) -> list[GateList]:
    """Return the lists that are not empty, the most important first."""
    lists = {
        status: tuple(
            one if isinstance(one, Expected) else Expected(comparison=one, reason="")
            for one in getattr(gate, status.replace(" ", "_"))
        )
        for status in _TITLES
    }
    kinds = [
        GateList(status, counted, tuple(item for item in items if is_count(item.comparison) is counted))
        for status, items in lists.items()
        for counted in (False, True)
    ]
    return [kind for kind in kinds if kind.items]


def notes(check: Check) -> list[str]:
    """Return the caveats, and the known regressions that match no comparison."""
    caveats = [
        ". ".join(short(part, SENTENCE) for part in (one.text, one.next) if part) for one in check.caveats
    ]
    unused = [
        f"known regression without a comparison: {one.workload} on {one.interpreter}, {one.metric}"
        f"{f', {threads_name(one.threads)}' if one.threads is not None else ''} ({one.reason})"
        for one in check.gate.unused
    ]
    return [*caveats, *(short(note, SENTENCE) for note in unused)]


def failure(failed: FailedCase) -> str:
    """Return in one line why a case has no results."""
    case, why = failed.case, f"{failed.failure.kind}: {failed.failure.message}"
    name = f"{short(case_name(case.workload, case.parameters))} on {short(variant(case))}"
    return f"{name}, {threads_name(case.threads)}: {short(why, SENTENCE)}"


def how_to_read(check: Check) -> str:
    """Explain the ratios and verdicts."""
    counted = judged_by(item.comparison for section in sections(check.gate) for item in section.items)
    return (
        f"Ratios are relative to {short(check.against)}, with 95% intervals. Changes of at most "
        f"{check.threshold:.1%} count as equivalent. The false discovery rate across all rows is at most "
        f"{check.fdr:.1%}.{f' {counted}' if counted else ''}"
    )


def _row(comparison: Comparison, reason: str) -> CheckRow:
    case = comparison.case
    return CheckRow(
        workload=short(case_name(case.workload, case.parameters)),
        interpreter=short(variant(case)),
        metric=f"{short(comparison.metric)}{'' if comparison.paired else ' (unpaired)'}",
        threads=case.threads,
        ratio=ratio_text(comparison),
        verdict=verdict_text(comparison),
        reason=short(reason, SENTENCE),
    )


def _first(found: Iterable[str]) -> tuple[Entry, ...]:
    items = tuple(found)
    more = (f"and {len(items) - _MOST} more; --format json shows all",) if len(items) > _MOST else ()
    return (*items[:_MOST], *more)


def _table(section: GateList) -> Table:
    known = any(item.reason for item in section.items)
    unpaired = not all(item.comparison.paired for item in section.items)
    columns = (
        Column("", "left", "narrow", least=22, folds=True),
        Column("workload", "left", "wide", folds=True),
        Column("interpreter", "left", "wide", folds=True),
        Column("metric", "left", "wide", folds=True),
        Column("threads"),
        Column("ratio"),
        Column("verdict", "left"),
        *((Column("known regression", "left", "wide", folds=True),) if known else ()),
    )
    return Table(
        title=f"{section.title}: {len(section.items)}",
        columns=columns,
        sections=(Section(tuple(_cells(row, section.status, known=known) for row in section.rows)),),
        notes=("unpaired: measured at different times, while shared hosts drift",) if unpaired else (),
        folded=section.status not in _OPEN or len(section.items) > OPEN_ROWS,
    )


def _cells(row: CheckRow, status: str, *, known: bool) -> tuple[Entry, ...]:
    label = f"{row.workload}, {row.metric}, {row.interpreter}"
    if row.reason:
        label += f"\n  known: {row.reason}"
    verdict = Text(row.verdict, _TITLES[status][1])
    entries = (label, row.workload, row.interpreter, row.metric, str(row.threads), row.ratio, verdict)
    return (*entries, *((row.reason,) if known else ()))


def _document(check: Check, found: Sequence[GateList]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "kind": "check",
        "verdict": check.gate.verdict,
        "exit_code": check.exit_code,
        "created": check.created,
        "against": check.against,
        "threshold": check.threshold,
        "fdr": check.fdr,
        "interpreters": check.interpreters,
        "comparisons": list(_flat(found, kinds_of_result(check.hosts))),
        **document_of_hosts(check.hosts),
        "failed": [
            {**msgspec.to_builtins(one.case), "kind": one.failure.kind, "message": one.failure.message}
            for one in check.gate.failed
        ],
        "unused_known_bad": check.gate.unused,
        "warnings": [one.text for one in check.caveats],
        "caveats": check.caveats,
        "explanations": check.explanations,
    }


def _flat(found: Sequence[GateList], kinds: Sequence[HostKind]) -> Iterator[dict[str, Any]]:
    for section in found:
        for item in section.items:
            yield {
                **flat(item.comparison, kinds),
                "status": section.status,
                "known_reason": item.reason or None,
            }
