"""Reads and writes scorecards: the properties saved with a study, and whole scorecards.

The properties are one JSON object, ``{"schema": 1, "properties": [...]}``. The claims are computed from the study.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import msgspec

from gilbench.model.errors import StudyError
from gilbench.model.excerpt import excerpt
from gilbench.model.scores import Basis, Score, Scorecard
from gilbench.model.study import Host, Interpreter, Struct
from gilbench.store.artefact import is_date, read_document, write_document

SCHEMA = 1
_OTHER = {  # verdicts of the other kind
    "claim": {"yes", "no", "not seen"},
    "property": {"holds", "does not hold"},
}


class _Properties(Struct, frozen=True):
    schema: int
    properties: tuple[Score, ...]


class _Card(Struct, frozen=True):
    gilbench: str
    created: str
    host: Host
    interpreters: tuple[Interpreter, ...]
    claims: list[dict[str, Any]]
    properties: list[dict[str, Any]]
    bases: tuple[Basis, ...]
    kind: Literal["scorecard"]


def scores_path(study: Path) -> Path:
    """Return the file of the properties of a study: ``study.scores.json`` for ``study.jsonl``."""
    return study.with_name(f"{study.stem}.scores.json")


def write_scores(path: Path, properties: tuple[Score, ...]) -> None:
    """Save properties.

    Raises:
        StudyError: The file cannot be written.
    """
    write_document(path, _Properties(schema=SCHEMA, properties=properties))


def read_scores(path: Path) -> tuple[Score, ...] | None:
    """Read saved properties; None: the file does not exist.

    Raises:
        StudyError: The file cannot be read, or is not a list of properties.
    """
    if not path.exists():
        return None
    found = read_document(path, _Properties, SCHEMA).properties
    for number, score in enumerate(found):
        if score.kind != "property":
            raise StudyError(
                f"{path} is damaged: a {score.kind} at `$.properties[{number}]`; restore the file"
            )
    _check(path, found)
    return found


def read_scorecard(path: Path) -> Scorecard:
    """Read a scorecard from its JSON document.

    Raises:
        StudyError: The file cannot be read, is not a scorecard, or has impossible values.
    """
    card = read_document(path, _Card, SCHEMA, "scorecard")
    bases = {(basis.id, name): basis for basis in card.bases for name in basis.interpreters}
    try:
        claims, properties = (
            tuple(_score(row, kind, bases) for row in rows)
            for kind, rows in (("claim", card.claims), ("property", card.properties))
        )
    except (KeyError, msgspec.ValidationError) as error:
        raise StudyError(f"{path} is damaged: {error}; restore the file") from error
    _check(path, claims)
    _check(path, properties)
    names = [interpreter.name for interpreter in card.interpreters]
    if not is_date(card.created) or len(set(names)) < len(names):
        raise StudyError(f"{path} is damaged: its date or interpreters are invalid; restore the file")
    return Scorecard(
        gilbench=card.gilbench,
        created=card.created,
        host=card.host,
        interpreters=card.interpreters,
        claims=claims,
        properties=properties,
    )


def _score(row: dict[str, Any], kind: str, bases: dict[tuple[str, str], Basis]) -> Score:
    if (row["id"], row["interpreter"]) not in bases:
        raise msgspec.ValidationError(f"`$.bases` has no {row['id']} of {row['interpreter']}")
    basis = bases[row["id"], row["interpreter"]]
    title = row["title"] if basis.part is None else row["title"].removesuffix(f": {basis.part}")
    hidden = {"kind": kind, "title": title, "part": basis.part, "measured": basis.measured}
    score = msgspec.convert({**row, **hidden}, Score)
    if score.lo is None:
        return score
    # In JSON, infinity is null.
    figure, hi = (math.inf if value is None else value for value in (score.figure, score.hi))
    return msgspec.structs.replace(score, figure=figure, hi=hi)


def _check(path: Path, scores: tuple[Score, ...]) -> None:
    """Refuse impossible figures.

    Raises:
        StudyError: A figure is outside its interval, negative, or has no unit, or a verdict is of the other kind.
    """
    seen = set[tuple[str, str]]()
    for number, score in enumerate(scores):
        fault = _fault(score)
        if fault is None and (score.id, score.interpreter) in seen:
            fault = f"a second score of {excerpt(score.id, 40)!r} for {excerpt(score.interpreter, 40)!r}"
        seen.add((score.id, score.interpreter))
        if fault is not None:
            field = "claims" if score.kind == "claim" else "properties"
            raise StudyError(f"{path} is damaged: {fault} at `$.{field}[{number}]`; restore the file")


def _fault(score: Score) -> str | None:
    """Return why the figure of a score is impossible; None: it is possible."""
    if score.verdict in _OTHER[score.kind]:
        return f"the verdict {score.verdict!r} of a {score.kind}"
    if score.figure is not None and score.figure < 0 and (score.hi is None or score.hi < 0):
        return "negative value"
    if score.figure is None and (score.lo, score.hi) != (None, None):
        return "interval without a value"
    known = [end for end in (score.lo, score.figure, score.hi) if end is not None]
    if known != sorted(known):
        return "value outside its interval"
    return "value without a unit" if score.figure is not None and score.unit is None else None
