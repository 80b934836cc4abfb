"""The page of two profiles compared: the program, the groups of threads, and the functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from gilbench.model.metrics import Scale, common_scale, significant
from gilbench.model.profile_results import PROFILE_METRICS, Difference, ProfileComparison, ProfileFigure
from gilbench.render.figures import TONES, figure_within, short
from gilbench.render.page import Column, Entry, Lines, Page, Section, Table, Text
from gilbench.render.remarks import remarks

_GROUPS = 12  # groups of threads that are shown, the busiest ones
_REASONS = {
    "neither direction is better": "no direction",
    "interval too wide": "too wide",
    "only in one profile": "only one",
}


def profile_comparison_page(result: ProfileComparison) -> Page:
    """Make the page of two profiles compared."""
    return Page(
        title="",
        lead=(f"before: {short(result.before)}", f"after: {short(result.after)}"),
        parts=(*_tables(result), Lines(_legend(result)), *remarks((), result.caveats)),
        document={
            "kind": "profile comparison",
            "before": result.before,
            "after": result.after,
            "differences": result.rows,
            "caveats": result.caveats,
            "warnings": [caveat.text for caveat in result.caveats],
            "threshold": result.threshold,
        },
        rows=map(_flat, result.rows),
    )


def _tables(result: ProfileComparison) -> Iterator[Table]:
    program = [row for row in result.rows if row.kind == "program"]
    if program:
        yield Table("Program", _columns("metric"), (Section(tuple(map(_metric_row, program))),))
    groups: dict[str, list[Difference]] = {}
    for row in result.rows:
        if row.kind == "threads" and not _nothing(row):
            groups.setdefault(row.subject, []).append(row)
    if groups:
        shown = list(groups.items())[:_GROUPS]
        more = len(groups) - len(shown)
        notes = (f"{more} group{'s'[: more != 1]} of less busy threads left out; --format json has all",)
        sections = tuple(Section(tuple(map(_metric_row, rows)), heading) for heading, rows in shown)
        title = "Threads (shares are % of wall time)"
        yield Table(title, _columns("metric"), sections, notes if more else ())
    functions = [row for row in result.rows if row.kind == "function"]
    if functions:
        entries = tuple((row.subject, *_values(row)) for row in functions)
        yield Table("GIL-holding functions (% of samples)", _columns("function")[:-1], (Section(entries),))


def _columns(label: str) -> tuple[Column, ...]:
    return (
        Column(label, "left", folds=True),
        Column("before"),
        Column("after"),
        Column("difference"),
        Column("verdict", "left"),
    )


def _metric_row(row: Difference) -> tuple[Entry, ...]:
    return (PROFILE_METRICS[row.metric].title, *_values(row), Text(_verdict(row), TONES[row.verdict]))


def _values(row: Difference) -> tuple[Entry, ...]:
    known = [figure.value for figure in (row.before, row.after) if figure is not None]
    scale = common_scale(known, row.unit)
    return _value(row.before, row.unit, scale), _value(row.after, row.unit, scale), _difference(row)


def _value(figure: ProfileFigure | None, unit: str, scale: Scale) -> str:
    return "-" if figure is None else figure_within(figure.value, figure.lo, figure.hi, unit, scale)


def _difference(row: Difference) -> str:
    """Write the difference of shares in points, and that of other values as a ratio."""
    if row.before is None or row.after is None:
        return "-"
    before, after = row.before.value, row.after.value
    if row.unit == "fraction":
        return f"{round((after - before) * 100, 1) + 0.0:+.1f} points"  # no -0.0
    return f"{significant(after / before)}x" if before > 0 else "-"


def _verdict(row: Difference) -> str:
    if row.verdict != "inconclusive" or row.reason is None:
        return row.verdict
    return f"inconclusive, {_REASONS.get(row.reason, row.reason)}"


def _nothing(row: Difference) -> bool:
    return all(figure is None or not figure.value for figure in (row.before, row.after))


def _legend(result: ProfileComparison) -> tuple[Entry, ...]:
    rows: Sequence[Difference] = [row for row in result.rows if row.kind != "function"]
    counted = Counter[str](row.verdict for row in rows)
    words = ", ".join(f"{counted[word]} {word}" for word in TONES)
    meaning = (
        f"Equivalent: within {result.threshold * 100:.1f} points of a share, or {result.threshold:.1%} of another "
        "value. Intervals are 95%, of sampled values only."
    )
    return (
        Text(f"{len(rows)} differences: {words}", "strong"),
        Text(meaning, "faint"),
    )


def _flat(row: Difference) -> dict[str, object]:
    fields = msgspec.to_builtins(row)
    for side in ("before", "after"):
        figure = fields.pop(side) or {"value": None, "lo": None, "hi": None}
        fields |= {f"{side}_{name}" if name != "value" else side: value for name, value in figure.items()}
    return dict(fields)
