"""The properties of a scorecard, saved beside its study, so that they can be shown again without measuring.

One JSON object, ``{"schema": 1, "properties": [...]}``. Claims are not in it: they are read from the study.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import msgspec

from gilbench.errors import StudyError
from gilbench.model import Struct
from gilbench.scores import Score

SCHEMA = 1


class _File(Struct, frozen=True):
    schema: int
    properties: tuple[Score, ...]


def scores_path(study: Path) -> Path:
    """Where the properties of a study's scorecard are: ``study.scores.json`` beside ``study.jsonl``."""
    return study.with_name(f"{study.stem}.scores.json")


def write_scores(path: Path, properties: tuple[Score, ...]) -> None:
    """Save properties; what was there before stays until the new file is complete.

    Raises:
        StudyError: The file cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(_File(schema=SCHEMA, properties=properties)), indent=1)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            try:
                file.write(text)
                Path(file.name).replace(path)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(file.name)  # noqa: PTH108 - as it is named there
                raise
    except OSError as error:
        raise StudyError(f"cannot write {path}: {error.strerror}; choose another place with -o") from error


def read_scores(path: Path) -> tuple[Score, ...] | None:
    """Read what was saved, or None where nothing was.

    Raises:
        StudyError: The file cannot be read, or holds something else.
    """
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StudyError(
            f"{path} does not hold the properties of a scorecard: {error}\nDelete it to measure them again"
        ) from error
    if saved.schema != SCHEMA:
        raise StudyError(f"{path} is of schema {saved.schema}, this gilbench reads {SCHEMA}; use a newer one")
    for number, score in enumerate(saved.properties):
        fault = _fault(score)
        if fault is not None:
            raise StudyError(
                f"{path} is damaged: `$.properties[{number}]` {fault}\nDelete it to measure them again"
            )
    return saved.properties


def _fault(score: Score) -> str | None:
    """What a score cannot say, if it says so."""
    figure, lo, hi = score.figure, score.lo, score.hi
    if score.kind != "property":
        return "is no property"
    if figure is None and (lo, hi) != (None, None):
        return "has an interval and no figure"
    if lo is not None and hi is not None and lo > hi:
        return f"has an interval from {lo:g} to {hi:g}"
    return None
