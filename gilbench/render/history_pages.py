"""The pages of a history: studies, series, changes, and points."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from gilbench.model.history import Changes, Entry, Found, Point, Points, Series, Studies, Trends
from gilbench.model.metrics import METRICS, write
from gilbench.plan.axes import variant
from gilbench.plan.counting import INSTRUCTIONS
from gilbench.render.figures import case_name, short, threads_name
from gilbench.render.page import Column, Lines, Page, Part, Plot, Section, Sentences, Table, Text, Tone
from gilbench.render.rows import flat_case

_DRAWN = 4  # maximum number of series in a terminal
_NAME = 40  # maximum length of a name from outside
_SURE = 1e-3  # a smaller p is written as ">99.9%"
_TONES: dict[str, Tone] = {"improved": "good", "regressed": "bad"}


def studies_page(studies: Studies) -> Page:
    """List studies, one a row."""
    rows = tuple(
        (
            date_of(entry),
            entry.digest[:7],
            (entry.commit or "-")[:12],
            *(short(text or "-", _NAME) for text in (entry.branch, entry.label, entry.reference_build)),
        )
        for entry in studies.entries
    )
    older = studies.total - len(studies.entries)
    hidden = f"{older} older {'study' if older == 1 else 'studies'}"
    titles = "commit", "branch", "label", "reference"
    table = Table(
        title="Studies of the history",
        columns=(
            Column("date", "left"),
            Column("study", "left"),
            *(Column(title, "left", folds=True) for title in titles),
        ),
        sections=(Section(rows),),
        notes=(f"{hidden} not shown; use --last {studies.total} to show all",) if older else (),
    )
    found = [_study_row(entry) for entry in studies.entries]
    return Page("", (), (table,), {"kind": "studies", "studies": found}, found)


def trends_page(trends: Trends) -> Page:
    """Plot each series, and list its points."""
    found = [
        {
            **_series_row(series),
            "points": [{**_study_row(entry), **_point_row(point)} for entry, point in points],
        }
        for series, points in trends.series
    ]
    rows = (
        {**_study_row(entry), **_series_row(series), **_point_row(point)}
        for series, points in trends.series
        for entry, point in points
    )
    drawn = [part for series, points in trends.series[:_DRAWN] for part in _trend(series, points)]
    parts = [*_fallback(trends.fallback), *drawn]
    if len(trends.series) > _DRAWN:
        more = len(trends.series) - _DRAWN
        parts.append(Lines((f"{more} more series; choose with --interpreter, --metric, or --threads",)))
    return Page("", (), tuple(parts), {"kind": "series", "fallback": trends.fallback, "series": found}, rows)


def changes_page(changes: Changes) -> Page:
    """Describe each change, and count them."""
    count = len(changes.found)
    branch = "" if changes.branch is None else f" of branch {short(changes.branch, _NAME)}"
    total = f"{count} change{'s'[: count != 1]} in {changes.searched} series{branch}"
    found = [_change_row(one) for one in changes.found]
    parts: tuple[Part, ...] = (
        *_fallback(changes.fallback),
        *map(_change, changes.found),
        Lines((total,)),
    )
    return Page("", (), parts, {"kind": "changes", "fallback": changes.fallback, "changes": found}, found)


def points_page(points: Points) -> Page:
    """Stream every point, for programs and spreadsheets."""
    rows = (
        {**_study_row(entry), **_series_row(series), **_point_row(point)}
        for entry, series, point in points.rows
    )
    hint = Lines(("Points are available only as CSV and JSON; use --format csv or --format json",))
    return Page("", (), (hint,), {"kind": "points", "points": rows}, rows)


def _fallback(name: str | None) -> Iterator[Lines]:
    """Say which metric was taken, since it depends on the host."""
    if name is not None:
        yield Lines(
            (
                f"no result is relative to a reference, so these are of {short(name, _NAME)};",
                "a change of the host changes them, too (--metric chooses another one)",
            )
        )


def _trend(series: Series, points: tuple[tuple[Entry, Point], ...]) -> Iterator[Part]:
    values = tuple((float(place), point.value) for place, (_, point) in enumerate(points))
    legend = "1 study" if len(points) == 1 else f"{len(points)} studies, the oldest first"
    yield Plot(series_name(series), {legend: values}, ("", series.unit))
    rows = tuple(
        (
            date_of(entry),
            short(commit_name(entry), _NAME),
            short(entry.label or "-", 16),
            write(point.value, series.unit),
            "-"
            if point.lo is None or point.hi is None
            else f"{write(point.lo, series.unit)} to {write(point.hi, series.unit)}",
            str(point.blocks),
        )
        for entry, point in points
    )
    columns = (
        *(Column(title, "left") for title in ("date", "commit", "label")),
        *(Column(title) for title in ("value", "95% interval", "blocks")),
    )
    yield Table("", columns, (Section(rows),))


def _change(found: Found) -> Sentences:
    change, said = found.change, found.verdict
    bounds = f"{percent(change.lo)} to {percent(change.hi)}"
    sure = ">99.9%" if change.p < _SURE else f"{100 * (1 - change.p):.1f}%"
    sides = {"last good": found.good, "likely": found.likely, "changed": found.changed}
    return Sentences(
        series_name(found.series),
        (
            Text(
                f"{said}: {percent(change.size)} (95% interval {bounds}), confidence {sure}",
                _TONES.get(said, "plain"),
            ),
            *(
                f"{name:<10} {date_of(entry)}  {short(commit_name(entry), _NAME)}"
                for name, entry in sides.items()
            ),
            *(f"note: {note}" for note in found.notes),
        ),
    )


def series_name(series: Series) -> str:
    """Name a series: its case and metric."""
    case, metric = series.case, METRICS.get(series.metric)
    title = metric.title if metric else series.metric
    if series.reference:
        title = title.replace("the reference", series.reference)
    parts = [f"{case_name(case.workload, case.parameters)} on {variant(case)}", threads_name(case.threads)]
    parts += (f"observed by {name}" for name in case.observers if name != INSTRUCTIONS)
    return f"{short(', '.join(parts), 3 * _NAME)}: {short(title, 2 * _NAME)}"


def date_of(entry: Entry) -> str:
    """Write when a study's commit was made."""
    return datetime.fromtimestamp(entry.moment, UTC).strftime("%Y-%m-%d %H:%M")


def commit_name(entry: Entry) -> str:
    """Name what a study measured, shortly."""
    return (entry.commit or entry.label or f"study {entry.digest}")[:12]


def percent(ratio: float) -> str:
    """Write a ratio as a change in percent."""
    return f"{100 * (ratio - 1):+.1f}%"


# --- programs -------------------------------------------------------------------------------------------


def _study_row(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry._asdict().items() if name not in {"id", "moment"}}


def _series_row(series: Series) -> dict[str, Any]:
    fields = {name: value for name, value in series._asdict().items() if name not in {"id", "case"}}
    return {**flat_case(series.case), **fields}


def _point_row(point: Point) -> dict[str, Any]:
    return {name: value for name, value in point._asdict().items() if name != "study"}


def _change_row(found: Found) -> dict[str, Any]:
    sides = {"last_good": found.good, "likely": found.likely, "first_changed": found.changed}
    commits = {name: entry.commit for name, entry in sides.items()}
    studies = {f"{name}_study": entry.digest for name, entry in sides.items()}
    change = found.change
    figures = {"ratio": change.size, "lo": change.lo, "hi": change.hi, "p": change.p}
    rest = {"verdict": found.verdict, "notes": found.notes}
    return {**_series_row(found.series), **commits, **studies, **figures, **rest}
