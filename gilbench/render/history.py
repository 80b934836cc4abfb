"""The history written down: for a terminal (80 columns, no colour needed), as JSON rows and as CSV."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.table import Table
from rich.text import Text

from gilbench.metrics import METRICS, write
from gilbench.render.figures import plain
from gilbench.render.guard import json_text, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed import SupportsWrite

    from gilbench.analyse.changes import Change
    from gilbench.store.history_tables import Entry, Point, Series

LONGEST = 40  # characters of a name from outside
# With which a spreadsheet lets a formula begin, also in the wide form of East Asian texts.
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Found(NamedTuple):
    """A change of a series, with the studies that it lies between."""

    series: Series
    change: Change
    good: Entry  # the last one that is surely on the old level
    likely: Entry  # most likely the first one on the new level
    changed: Entry  # the first one that is surely on the new level

    @property
    def verdict(self) -> str:
        """Improved or regressed, by what is better of the metric."""
        if self.series.better not in {"higher", "lower"}:
            return "changed"
        return "improved" if (self.change.size > 1) == (self.series.better == "higher") else "regressed"

    @property
    def notes(self) -> tuple[str, ...]:
        """What else changed between the two studies: perhaps it was not the code."""
        reasons = {
            "the same commit on both sides": self.good.commit is not None
            and self.good.commit == self.changed.commit,
            "another host": self.good.host != self.changed.host,
            "another reference build": self.series.reference is not None
            and self.good.reference_build != self.changed.reference_build,
        }
        return tuple(reason for reason, holds in reasons.items() if holds)


# --- names ----------------------------------------------------------------------------------------------


def shown(text: str, longest: int = LONGEST) -> Text:
    """A name from outside as one short line, in which nothing can style or move the cursor."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return plain(cut)


def series_name(series: Series) -> Text:
    """What is tracked, in one line."""
    parts = [f"{series.workload} on {series.interpreter}", _plural(series.threads, "thread")]
    parts += (f"{name}={value}" for name, value in series.parameters)
    if series.gil is not None:
        parts.append("GIL on" if series.gil else "GIL off")
    if series.switch_interval is not None:
        parts.append(f"switch interval {write(series.switch_interval, 's')}")
    if series.cpus is not None:
        parts.append(_plural(series.cpus, "CPU"))
    parts += (f"observed by {name}" for name in series.observers)
    return shown(", ".join(parts), 3 * LONGEST)


def figure_name(series: Series) -> Text:
    """Which figure of it is tracked."""
    metric = METRICS.get(series.metric)
    title = metric.title if metric else series.metric
    return shown(title.replace("the reference", series.reference) if series.reference else title, 2 * LONGEST)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _date(entry: Entry) -> str:
    return datetime.fromtimestamp(entry.moment, UTC).strftime("%Y-%m-%d %H:%M")


def _commit(entry: Entry) -> str:
    return (entry.commit or entry.label or f"study {entry.digest}")[:12]


# --- terminal -------------------------------------------------------------------------------------------


def _table(*left: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def studies_table(entries: Sequence[Entry]) -> Table:
    """One row for each study."""
    table = _table("date", "study", "commit", "branch", "label", "reference")
    for entry in entries:
        names = (entry.commit or "-")[:12], entry.branch or "-", entry.label or "-", entry.reference_build
        table.add_row(_date(entry), entry.digest[:7], *(shown(name) for name in names))
    return table


def points_table(points: Sequence[tuple[Entry, Point]], unit: str) -> Table:
    """One row for each study of a series."""
    table = _table("date", "commit", "label", right=("value", "95 % interval", "blocks"))
    for entry, point in points:
        table.add_row(
            _date(entry),
            shown(_commit(entry)),
            shown(entry.label or "-", 16),
            write(point.value, unit),
            "-"
            if point.lo is None or point.hi is None
            else f"{write(point.lo, unit)} to {write(point.hi, unit)}",
            str(point.blocks),
        )
    return table


def describe(found: Found) -> Text:
    """A change in a few lines."""
    change = found.change
    bounds = f"{_percent(change.lo)} to {_percent(change.hi)}"
    sure = "> 99.9 %" if change.p < 1e-3 else f"{100 * (1 - change.p):.1f} %"  # noqa: PLR2004
    lines = [
        Text.assemble(series_name(found.series), ": ", figure_name(found.series)),
        Text(f"  {found.verdict}: {_percent(change.size)} (95 % interval {bounds}), {sure} sure"),
        *(
            Text.assemble(f"  {name:<14}{_date(entry)}  ", shown(_commit(entry)))
            for name, entry in (
                ("last good", found.good),
                ("likely", found.likely),
                ("changed", found.changed),
            )
        ),
        *(Text(f"  note: {note}") for note in found.notes),
    ]
    return Text("\n").join(lines)


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"


# --- programs -------------------------------------------------------------------------------------------


def study_row(entry: Entry) -> dict[str, Any]:
    """A study as flat JSON."""
    return {name: value for name, value in entry._asdict().items() if name not in {"id", "moment"}}


def series_row(series: Series) -> dict[str, Any]:
    """A series as JSON."""
    fields = {name: value for name, value in series._asdict().items() if name != "id"}
    return {**fields, "parameters": dict(series.parameters)}


def point_row(point: Point) -> dict[str, Any]:
    """A point as flat JSON; a value without bounds, as the latency of what was never served, is null."""
    return {name: value for name, value in point._asdict().items() if name != "study"}


def change_row(found: Found) -> dict[str, Any]:
    """A change as flat JSON."""
    sides = {"last_good": found.good, "likely": found.likely, "first_changed": found.changed}
    commits = {name: entry.commit for name, entry in sides.items()}
    studies = {f"{name}_study": entry.digest for name, entry in sides.items()}
    change = found.change
    figures = {"ratio": change.size, "lo": change.lo, "hi": change.hi, "p": change.p}
    rest = {"verdict": found.verdict, "notes": found.notes}
    return {**series_row(found.series), **commits, **studies, **figures, **rest}


def write_csv(rows: Iterable[dict[str, Any]], out: SupportsWrite[str]) -> None:
    """Write flat rows as CSV in which no name can become a formula of a spreadsheet."""
    writer = csv.writer(out, lineterminator="\n")
    for number, row in enumerate(rows):
        if number == 0:
            writer.writerow(row)
        writer.writerow(_harmless(value) for value in row.values())


def _harmless(value: Any) -> Any:
    if isinstance(value, dict | tuple):
        return json.dumps(value)
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def write_json(name: str, rows: Iterable[dict[str, Any]], out: SupportsWrite[str]) -> None:
    """Write rows as ``{name: [...]}``, one row a line."""
    out.write(f'{{"{name}": [')
    for number, row in enumerate(rows):
        out.write(",\n" if number else "\n")
        out.write(json_text(row, indent=0))
    out.write("\n]}\n")
