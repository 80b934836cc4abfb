"""The page of a test session: what its tests measured, and how it compares with an earlier session."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gilbench.model.measurements import Measurement, Measurements, Outcome
from gilbench.model.metrics import write
from gilbench.render.check_page import check_page
from gilbench.render.figures import SENTENCE, figure_within, short, threads_name
from gilbench.render.page import Column, Entry, Lines, Page, Part, Section, Table, Text, Tone

SCHEMA = 1
_LONG = 10.0  # s of waiting that are told
_TONES: dict[Outcome, Tone] = {"passed": "good", "failed": "bad", "skipped": "warning", "measured": "plain"}


def measurements_page(found: Measurements) -> Page:
    """Make the page of a session."""
    check = None if found.check is None else check_page(found.check)
    columns = (
        Column("test", "left", folds=True),
        Column("check", "left"),
        Column("on", "left"),
        Column("value"),
        Column("required"),
        Column("host", shown="wide"),
        Column("result", "left"),
    )
    lines = tuple(_lines(found))
    parts: tuple[Part, ...] = (
        Table("", columns, (Section(tuple(map(_row, found.rows))),)),
        *((Lines(lines),) if lines else ()),
    )
    return Page(
        title="",
        lead=(),
        parts=(*parts, *((Lines((check.title, *check.lead)), *check.parts) if check else ())),
        document={
            "schema": SCHEMA,
            "kind": "measurements",
            "gilbench": found.gilbench,
            "created": found.created,
            "rows": [msgspec.to_builtins(row) for row in found.rows],
            "saved": found.saved,
            "note": found.note,
            "check": check.document if check else None,
        },
        rows=(msgspec.to_builtins(row) for row in found.rows),
    )


def _row(row: Measurement) -> tuple[Entry, ...]:
    return (
        short(row.test, SENTENCE),
        f"{row.check}, {threads_name(row.threads)}" if row.check == "scales" and row.threads else row.check,
        row.interpreter or "-",
        _value(row),
        "-" if row.required is None else write(row.required, row.unit),
        "-" if row.host is None else write(row.host, "x"),
        Text(row.outcome, _TONES[row.outcome]),
    )


def _value(row: Measurement) -> str:
    if row.value is not None:
        return figure_within(row.value, row.lo, row.hi, row.unit)
    return "-" if row.seconds is None else write(row.seconds, "s")


def _lines(found: Measurements) -> Iterator[Entry]:
    if any(row.check == "scales" and row.value is not None for row in found.rows):
        yield Text(
            "scales: speedup over one thread, with its 95% interval. host: speedup of processes in C on the same CPUs.",
            "faint",
        )
    if any(row.check == "releases the GIL" and row.value is not None for row in found.rows):
        yield Text("releases the GIL: share of the call's time without the GIL.", "faint")
    if any(row.check == "profile" for row in found.rows):
        yield Text("profile: GIL wait of all threads, relative to wall time.", "faint")
    for row in found.rows:
        if row.waited > _LONG:
            yield f"{short(row.test, SENTENCE)} waited {write(row.waited, 's')} for other measurements."
    if found.note is not None:
        yield short(found.note, SENTENCE)
    if found.saved is not None:
        yield f"saved {short(found.saved, SENTENCE)}"
