"""Reads saved answers about whether a call releases the GIL, from their JSON document."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from gilbench.model.errors import StudyError
from gilbench.model.releases import Answer, Release, Releases
from gilbench.model.study import Case, Fraction, Interpreter, Struct, Value
from gilbench.store.artefact import read_document

SCHEMA = 1


class _SavedReleases(Struct, frozen=True):
    gilbench: str
    created: str
    code: str
    answer: Answer
    at_least: Fraction
    interpreters: tuple[Interpreter, ...]
    rows: list[dict[str, Any]]
    kind: Literal["releases"]
    interrupted: bool = False


def read_releases(path: Path) -> Releases:
    """Read the answers for one call.

    Raises:
        StudyError: The file cannot be read, is of another kind, or has impossible values.
    """
    saved = read_document(path, _SavedReleases, SCHEMA, "releases")
    try:
        rows = tuple(_row(row, saved.code) for row in saved.rows)
    except (ValueError, msgspec.ValidationError) as error:
        raise StudyError(
            f"{path} is damaged: {error}; measure again: gilbench releases -o FILE.json"
        ) from error
    found = Releases(
        gilbench=saved.gilbench,
        created=saved.created,
        code=saved.code,
        at_least=saved.at_least,
        rows=rows,
        interpreters=saved.interpreters,
        interrupted=saved.interrupted,
    )
    if found.answer != saved.answer:
        raise StudyError(
            f"{path} is damaged: the answer {saved.answer!r} contradicts the rows; restore the file"
        )
    return found


def _row(row: dict[str, Any], code: str) -> Release:
    """Make a row from its flat form, in which earlier versions left out the name of the workload."""
    parameters = msgspec.convert(row.pop("parameters", {}), dict[str, Value])
    named: dict[str, Any] = {
        name: row.pop(name) for name in ("workload", "interpreter", "gil") if name in row
    }
    fields = {
        "workload": code,
        "threads": 1,
        "parameters": tuple(parameters.items()),
        **named,
    }
    case = msgspec.convert(fields, Case)
    made = msgspec.convert({**row, "case": case}, Release)
    limits = [one for one in (made.lo, made.share, made.hi) if one is not None]
    if limits != sorted(limits) or (made.share is None and limits):
        raise ValueError("a share is outside its interval")
    if made.blocks < 0:
        raise ValueError("the number of blocks is negative")
    return made
