"""Reads and writes files with one JSON document."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from gilbench.model.errors import StudyError
from gilbench.model.study import Struct

_T = TypeVar("_T")


class _Head(Struct, frozen=True):
    schema: int
    kind: str | None = None


def read_document(path: Path, type_: type[_T], schema: int, kind: str | None = None) -> _T:
    """Read a document.

    Args:
        path: The file.
        type_: Type of the document.
        schema: Newest supported schema.
        kind: Expected value of the field ``kind``; None: no such field.

    Raises:
        StudyError: The file cannot be read, has another kind or a newer schema, or is damaged.
    """
    what = kind or "list"
    try:
        text = path.read_bytes()
        head = msgspec.json.decode(text, type=_Head)
        if head.kind != kind:
            raise StudyError(f"{path} is not a {what}; choose another file")
        if head.schema < 1:
            raise StudyError(f"{path} is damaged: `$.schema` is not a positive integer; restore the file")
        if head.schema > schema:
            raise StudyError(
                f"{path} has schema {head.schema}, but this gilbench reads up to {schema}; update gilbench"
            )
        return msgspec.json.decode(text, type=type_)
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StudyError(f"{path} is damaged, or not a {what}: {error}; restore the file") from error


def is_date(text: str) -> bool:
    """Return whether a text is a date in ISO 8601 that every system can hold."""
    try:
        datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return False
    return True


def write_document(path: Path, document: object) -> None:
    """Write a document. An existing file is replaced in one step.

    Raises:
        StudyError: The file cannot be written.
    """
    content = msgspec.json.format(msgspec.json.encode(document), indent=1)
    part = path.with_name(f".gilbench-{os.getpid()}.part")
    try:
        with part.open("xb") as file:  # never through another user's link
            try:
                file.write(content)
                file.flush()
                part.replace(path)
            except OSError:
                with contextlib.suppress(OSError):
                    part.unlink()
                raise
    except OSError as error:
        raise StudyError(f"cannot write {path}: {error.strerror}; choose another file with -o") from error
