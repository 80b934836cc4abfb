"""Study files: JSON Lines, append-only, safe to kill at any moment.

The first line is the header ``{"kind": "study", "schema": 1, ...}``, each further line one finished run
``{"kind": "run", ...}``, written through and synced before the next begins. A torn last line is dropped with a warning;
damage anywhere else is an error that names the line.

History of the schema:

1. First one.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from gilbench.errors import StudyError
from gilbench.model import Header, Run, Struct, Study
from gilbench.store.integrity import Runs, header_fault

SCHEMA = 1
_MOST_SCHEMAS = 1000  # a larger number is none
_ENCODER = msgspec.json.Encoder()
_HEADER = msgspec.json.Decoder(Header)
_RUN = msgspec.json.Decoder(Run)


class StudyWriter:
    """Appends runs to a study file.

    Args:
        path: The file.
        header: Written at the start of a new file; None goes on with an existing one.

    Raises:
        StudyError: The file exists and a header was given, or it cannot be written.
    """

    def __init__(self, path: Path, header: Header | None) -> None:
        self.path = path
        try:
            if header is None:
                _cut_torn_line(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab" if header is None else "xb", buffering=0)
        except FileExistsError as error:
            raise StudyError(
                f"{path} exists; choose another name, or go on with it: --resume {path}"
            ) from error
        except OSError as error:
            raise StudyError(
                f"cannot write {path}: {error.strerror}; choose another place with -o"
            ) from error
        if header is not None:
            try:
                self._append({"kind": "study", "schema": SCHEMA, **msgspec.to_builtins(header)})
            except StudyError:
                self.close()
                path.unlink(missing_ok=True)
                raise

    def add(self, run: Run) -> None:
        """Append one finished run; when this returns it is on the disk.

        Raises:
            StudyError: The disk is full or the file has gone bad; what was added before is safe.
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
                line = line[self._file.write(line) :]  # a disk that fills up takes a part first
            os.fsync(self._file.fileno())
        except OSError as error:
            # Half a line must not stand before what a later --resume appends.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), begin)
            raise StudyError(
                f"cannot write {self.path}: {error.strerror}; what was finished before is saved, "
                f"go on later with --resume {self.path}"
            ) from error


def read_study(path: Path) -> Study:
    """Read a study file.

    Raises:
        StudyError: It cannot be read, is not a study, comes from a newer schema, or holds what cannot have been.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from error
    if not data.strip():
        raise StudyError(f"{path} is empty; a study is made with: gilbench run -o FILE")
    lines = data.split(b"\n")
    torn = lines.pop()  # what follows the last newline: nothing, or half a run
    if not lines:
        raise StudyError(f"{path} is cut short in its first line; make it anew: gilbench run -o FILE")
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
                f"{path}, line {number} is damaged: {fault}. Restore the file, or remove that line and its run"
            )
        runs.append(run)
    warnings = (f"the last line of {path.name} was cut short and is left out",) if torn else ()
    return Study(header=header, runs=tuple(runs), warnings=warnings)


class _First(Struct, frozen=True):
    """What must be known of a first line before it is known what it holds."""

    kind: Literal["study"]
    schema: Any = None
    gilbench: Any = None


def _read_header(path: Path, line: bytes) -> Header:
    try:
        first = msgspec.json.decode(line, type=_First)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StudyError(
            f"{path} is not a study of gilbench; a study is made with: gilbench run -o FILE"
        ) from error
    schema = first.schema
    if type(schema) is not int or not 1 <= schema <= _MOST_SCHEMAS:
        raise StudyError(f"{path}, line 1 is damaged: schema is no number from 1 on")
    if schema > SCHEMA:
        newer = first.gilbench if isinstance(first.gilbench, str) else "of the newer kind"
        raise StudyError(
            f"{path} has schema {schema}, this gilbench reads up to {SCHEMA}; use gilbench {newer[:20]} or later"
        )
    try:
        header = _HEADER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault: str | None = str(error)
    else:
        fault = header_fault(header)
    if fault is not None:
        raise StudyError(f"{path}, line 1 is damaged: {fault}. Restore the file")
    return header


def _cut_torn_line(path: Path) -> None:
    with path.open("r+b") as file:
        data = file.read()
        file.truncate(data.rfind(b"\n") + 1)
