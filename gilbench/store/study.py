"""Study files: JSON Lines, append-only, and safe if gilbench is killed at any time.

The first line is the header ``{"kind": "study", "schema": 1, ...}``. Each other line is one finished run
``{"kind": "run", ...}``, which is synced to disk before the next run starts. A truncated last line is ignored with a
warning. Damage anywhere else is an error that names the line.

History of the schema:

1. First version.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from gilbench.model.errors import StudyError
from gilbench.model.study import Header, Run, Struct, Study
from gilbench.store.integrity import Runs
from gilbench.store.integrity_header import header_fault

SCHEMA = 1
_MOST_SCHEMAS = 1000  # a larger number is invalid
_ENCODER = msgspec.json.Encoder()
_HEADER = msgspec.json.Decoder(Header)
_RUN = msgspec.json.Decoder(Run)


class StudyWriter:
    """Appends runs to a study file.

    Args:
        path: The file.
        header: Header of a new file; None: append to an existing file.

    Raises:
        StudyError: The file exists and a header was given, or it cannot be written.
    """

    def __init__(self, path: Path, header: Header | None) -> None:
        self.path = path
        try:
            if header is None:
                _drop_truncated_line(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab" if header is None else "xb", buffering=0)
        except FileExistsError as error:
            raise StudyError(f"{path} exists; choose another name, or resume it: --resume {path}") from error
        except OSError as error:
            raise StudyError(f"cannot write {path}: {error.strerror}; choose another file with -o") from error
        if header is not None:
            try:
                self._append({"kind": "study", "schema": SCHEMA, **msgspec.to_builtins(header)})
            except StudyError:
                self.close()
                path.unlink(missing_ok=True)
                raise

    def add(self, run: Run) -> None:
        """Append one finished run, and sync it to disk.

        Raises:
            StudyError: The file cannot be written, for example because the disk is full. Earlier runs are safe.
        """
        self._append({"kind": "run", **msgspec.to_builtins(run)})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, record: dict[str, Any]) -> None:
        line = _ENCODER.encode(record) + b"\n"
        begin = os.fstat(self._file.fileno()).st_size
        try:
            while line:
                line = line[self._file.write(line) :]  # a disk that is almost full accepts a part
            os.fsync(self._file.fileno())
        except OSError as error:
            # Remove a partial line, so that --resume can append.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), begin)
            raise StudyError(
                f"cannot write {self.path}: {error.strerror}\n"
                f"Finished runs are saved; resume later: gilbench run --resume {self.path}"
            ) from error


class NotAStudyError(StudyError):
    """A file of another kind."""


def read_study(path: Path) -> Study:
    """Read a study file.

    Raises:
        StudyError: The file cannot be read, is not a study, has a newer schema, or has impossible values.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from error
    if not data.strip():
        raise StudyError(f"{path} is empty; measure a study: gilbench run -o FILE")
    lines = data.split(b"\n")
    rest = lines.pop()  # after the last newline: empty, or a partial run
    if not lines:
        raise StudyError(f"{path} is truncated in its first line; measure a new study: gilbench run -o FILE")
    header = _read_header(path, lines[0])
    known, runs = Runs(header), []
    for number, line in enumerate(lines[1:], start=2):
        try:
            run = _RUN.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            fault: str | None = str(error)
        else:
            fault = known.fault(run)
        if fault is not None:
            raise StudyError(
                f"{path}, line {number} is damaged: {fault}; restore the file, or remove that line"
            )
        runs.append(run)
    warnings = (f"the last line of {path.name} is truncated and was left out",) if rest else ()
    return Study(header=header, runs=tuple(runs), warnings=warnings)


class _First(Struct, frozen=True):
    """The fields of a first line that are read before the others."""

    kind: Literal["study"]
    schema: Any = None
    gilbench: Any = None


def _read_header(path: Path, line: bytes) -> Header:
    try:
        first = msgspec.json.decode(line, type=_First)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAStudyError(f"{path} is not a study; measure one: gilbench run -o FILE") from error
    schema = first.schema
    if type(schema) is not int or not 1 <= schema <= _MOST_SCHEMAS:
        raise StudyError(f"{path}, line 1 is damaged: `$.schema` is not a positive integer; restore the file")
    if schema > SCHEMA:
        newer = (
            f"use gilbench {first.gilbench[:20]} or later"
            if isinstance(first.gilbench, str)
            else "update gilbench"
        )
        raise StudyError(f"{path} has schema {schema}, but this gilbench reads up to {SCHEMA}; {newer}")
    try:
        header = _HEADER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault: str | None = str(error)
    else:
        fault = header_fault(header)
    if fault is not None:
        raise StudyError(f"{path}, line 1 is damaged: {fault}; restore the file")
    return header


def _drop_truncated_line(path: Path) -> None:
    with path.open("r+b") as file:
        data = file.read()
        file.truncate(data.rfind(b"\n") + 1)
