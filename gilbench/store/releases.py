"""Reads saved answers about whether a call releases the GIL, from their JSON document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gilbench.model.documents import ReleasesDocument
from gilbench.model.errors import StudyError
from gilbench.model.excerpt import excerpt
from gilbench.model.releases import Release, Releases
from gilbench.model.study import Case
from gilbench.store.artefact import is_date, read_document

SCHEMA = 1
_OF_RELEASES = ("gilbench", "created", "code", "at_least", "interpreters", "interrupted")
_OF_RELEASE = tuple(name for name in Release.__struct_fields__ if name != "case")


def read_releases(path: Path) -> Releases:
    """Read the answers for one call.

    Raises:
        StudyError: The file cannot be read, is of another kind, or has impossible values.
    """
    saved = read_document(path, ReleasesDocument, SCHEMA, "releases")
    try:
        rows = _rows(saved)
    except (ValueError, msgspec.ValidationError) as error:
        raise StudyError(
            f"{path} is damaged: {error}; measure again: gilbench releases -o FILE.json"
        ) from error
    found = Releases(rows=rows, **{name: getattr(saved, name) for name in _OF_RELEASES})
    if found.answer != saved.answer:
        raise StudyError(
            f"{path} is damaged: the answer {saved.answer!r} contradicts the rows; restore the file"
        )
    return found


def _rows(saved: ReleasesDocument) -> tuple[Release, ...]:
    if not is_date(saved.created):
        raise ValueError(f"the date {excerpt(saved.created, 40)!r} is not ISO 8601")
    rows = tuple(_release(row, saved) for row in saved.rows)
    if len({row.case for row in rows}) < len(rows):
        raise ValueError("two rows of one interpreter")
    return rows


def _release(row: Any, saved: ReleasesDocument) -> Release:
    """Make an answer from its flat row, in which earlier versions left out the name of the workload."""
    fields = {
        "workload": saved.code if row.workload is None else row.workload,
        "interpreter": row.interpreter,
        "threads": 1,
        "gil": row.gil,
        "parameters": tuple(row.parameters.items()),
    }
    case = msgspec.convert(fields, Case)
    made = Release(case=case, **{name: getattr(row, name) for name in _OF_RELEASE})
    limits = [one for one in (made.lo, made.share, made.hi) if one is not None]
    if limits != sorted(limits) or (made.share is None and limits):
        raise ValueError("a share is outside its interval")
    if made.blocks < 0:
        raise ValueError("the number of blocks is negative")
    if made.case.interpreter not in {one.name for one in saved.interpreters}:
        raise ValueError(f"{excerpt(made.case.interpreter, 40)!r} is not among the interpreters")
    if made.lo is not None and made.hi is not None:
        expected = "yes" if made.lo >= saved.at_least else "no" if made.hi < saved.at_least else "undecided"
        if made.answer != expected or not made.blocks:
            raise ValueError(f"the answer {made.answer!r} contradicts the share")
    return made
