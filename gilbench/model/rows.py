"""Rows of the JSON documents, as types: the fields of a value after those of its case, in one flat row.

They are derived from the values in ``model/``, so that a new field of a value is in its row, too.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_type_hints

import msgspec

from gilbench.model.history import Entry, Point, Series
from gilbench.model.releases import Release
from gilbench.model.results import Cell, Comparison, Finding
from gilbench.model.scores import COLUMNS, Score
from gilbench.model.study import (
    Case,
    Failure,
    Name,
    Struct,
    Value,
)

Version = Annotated[int, msgspec.Meta(ge=1)]  # of the schema of a file


def _row(name: str, *values: type, optional: Any = (), **changes: Any) -> Any:
    """Return a type whose fields are those of several values; a change to None leaves one out.

    Files of earlier versions lack the optional fields, which are then None.
    """
    fields: dict[str, Any] = {}
    for value in values:
        fields |= get_type_hints(value, include_extras=True)
    fields |= changes
    kept = [
        (field, type_ | None, None) if field in optional else (field, type_)
        for field, type_ in fields.items()
        if type_ is not None
    ]
    return msgspec.defstruct(name, kept, bases=(Struct,), frozen=True, kw_only=True)


_Parameters = dict[Name, Value]
_OF_FLEETS = ("host", "hosts", "hosts_needed", "spread", "host_kind")  # only rows of fleets have them
_OF_CASE: dict[str, Any] = {
    "optional": _OF_FLEETS,
    "case": None,
    "parameters": _Parameters,
    "host_kind": str,
}
CellRow = _row(
    "CellRow",
    Case,
    Cell,
    value=float | None,
    **_OF_CASE,
)
ComparisonRow = _row(
    "ComparisonRow",
    Case,
    Comparison,
    **_OF_CASE,
)
JudgedRow = _row(
    "JudgedRow",
    Case,
    Comparison,
    **_OF_CASE,
    status=Literal[
        "regressed",
        "known bad",
        "recovered",
        "unsettled",
        "improved",
        "inconclusive",
        "equivalent",
        "summary",
    ],
    known_reason=str | None,
)
FailureRow = _row("FailureRow", Case, Failure)
FailedRow = _row("FailedRow", Case, Failure, output=None)
FindingRow = _row("FindingRow", Finding, cells=list[CellRow])
ScoreRow = _row("ScoreRow", Score, **{name: None for name in Score.__struct_fields__ if name not in COLUMNS})


ReleaseRow = _row(
    "ReleaseRow",
    Release,
    optional=("workload",),
    case=None,
    workload=Name,
    interpreter=Name,
    gil=bool | None,
    parameters=_Parameters,
)
EntryRow = _row("EntryRow", Entry, id=None, moment=None)
SeriesRow = _row("SeriesRow", Case, Series, id=None, case=None, parameters=_Parameters)
SeriesPoint = _row("SeriesPoint", Entry, Point, id=None, moment=None, study=None, value=float | None)
SeriesPoints = _row("SeriesPoints", SeriesRow, points=list[SeriesPoint])
PointRow = _row("PointRow", EntryRow, SeriesRow, SeriesPoint)
_SIDES = ("last_good", "likely", "first_changed")
ChangeRow = _row(
    "ChangeRow",
    SeriesRow,
    **dict.fromkeys(_SIDES, str | None),
    **{f"{side}_study": str for side in _SIDES},
    **dict.fromkeys(("ratio", "lo", "hi", "p"), float | None),
    verdict=Literal["improved", "regressed", "changed"],
    notes=tuple[str, ...],
)
