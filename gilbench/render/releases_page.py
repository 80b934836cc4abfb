"""The page of whether a call releases the GIL."""

from __future__ import annotations

from collections.abc import Iterator

from gilbench.model.metrics import write
from gilbench.model.releases import Answer, Release, Releases
from gilbench.plan.axes import variant
from gilbench.render.figures import SENTENCE, figure_within, short
from gilbench.render.page import Column, Entry, Page, Section, Sentences, Table, Text, Tone
from gilbench.render.started import started

SCHEMA = 1
_TONES: dict[Answer, Tone] = {
    "yes": "good",
    "no": "bad",
    "undecided": "warning",
    "failed": "bad",
    "n/a": "faint",
}


def releases_page(found: Releases) -> Page:
    """Make the page of a call on some interpreters."""
    title = Text(
        f"releases the GIL: {found.answer}; {short(' '.join(found.code.split()))}", _TONES[found.answer]
    )
    columns = (
        Column("", "left", folds=True),
        Column("releases\nthe GIL", "left"),
        Column("time\nwithout the GIL"),
        Column("time"),
        Column("control\nthat releases"),
    )
    remarks = tuple(_remarks(found))
    return Page(
        title=title,
        lead=(
            *started(found.interpreters),
            Text(
                "Time without the GIL: share of the call's time in which another thread can run Python code, with its "
                f"95% interval; yes from {write(found.at_least, 'fraction')}. 0% is a control that holds the GIL, 100% "
                "one that releases it. The last column is the second control, unscaled.",
                "faint",
            ),
        ),
        parts=(
            Table("", columns, (Section(tuple(map(_row, found.rows))),)),
            *((Sentences("Remarks", remarks, "plain"),) if remarks else ()),
        ),
        document={
            "schema": SCHEMA,
            "kind": "releases",
            "gilbench": found.gilbench,
            "created": found.created,
            "code": found.code,
            "answer": found.answer,
            "at_least": found.at_least,
            "interpreters": found.interpreters,
            "rows": [_flat(row) for row in found.rows],
            "interrupted": found.interrupted,
        },
        rows=map(_flat, found.rows),
        closing=title,
    )


def _row(row: Release) -> tuple[Entry, ...]:
    share = "-" if row.share is None else figure_within(row.share, row.lo, row.hi, "fraction")
    return (
        _label(row),
        Text(row.answer, _TONES[row.answer]),
        share,
        "-" if row.seconds is None else write(row.seconds, "s"),
        "-" if row.control is None else write(row.control, "fraction"),
    )


def _label(row: Release) -> str:
    return ", ".join([variant(row.case), *(f"{name}={value}" for name, value in row.case.parameters)])


def _remarks(found: Releases) -> Iterator[str]:
    for row in found.rows:
        if row.enabled_by is not None:
            yield f"{_label(row)}: importing {row.enabled_by} enabled the GIL."
        if row.remark is not None:
            yield f"{_label(row)}: {short(row.remark, SENTENCE)}."


def _flat(row: Release) -> dict[str, object]:
    case = row.case
    return {
        "workload": case.workload,
        "interpreter": case.interpreter,
        "gil": case.gil,
        "parameters": dict(case.parameters),
        "answer": row.answer,
        "share": row.share,
        "lo": row.lo,
        "hi": row.hi,
        "seconds": row.seconds,
        "blocks": row.blocks,
        "control": row.control,
        "queued": row.queued,
        "enabled_by": row.enabled_by,
        "remark": row.remark,
    }
