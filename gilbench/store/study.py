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
from typing import Any, Self

import msgspec

from gilbench.errors import StudyError
from gilbench.model import Header, Run, Slice, Study

SCHEMA = 1
_ENCODER = msgspec.json.Encoder()
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
        StudyError: It cannot be read, is not a study, comes from a newer schema or is damaged.
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
    runs = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            run = _RUN.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise StudyError(
                f"{path}, line {number} is damaged: {error}. Restore the file, or remove that line and its run"
            ) from error
        if not 0 <= run.case < len(header.plan.cases):
            raise StudyError(f"{path}, line {number} is damaged: there is no case {run.case} in the plan")
        if not all(map(_plausible, run.slices)):
            raise StudyError(f"{path}, line {number} is damaged: it holds a slice that cannot have been")
        runs.append(run)
    warnings = (f"the last line of {path.name} was cut short and is left out",) if torn else ()
    return Study(header=header, runs=tuple(runs), warnings=warnings)


def _read_header(path: Path, line: bytes) -> Header:
    not_a_study = f"{path} is not a study of gilbench; a study is made with: gilbench run -o FILE"
    try:
        first = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StudyError(not_a_study) from error
    if not isinstance(first, dict) or first.get("kind") != "study":
        raise StudyError(not_a_study)
    schema = first.get("schema")
    if not isinstance(schema, int) or schema < 1:
        raise StudyError(f"{path}, line 1 is damaged: schema {schema!r}")
    if schema > SCHEMA:
        raise StudyError(
            f"{path} has schema {schema}, this gilbench reads up to {SCHEMA}; "
            f"use gilbench {str(first.get('gilbench', 'of the newer kind'))[:20]} or later"
        )
    try:
        return msgspec.convert(first, Header)
    except msgspec.ValidationError as error:
        raise StudyError(f"{path}, line 1 is damaged: {error}") from error


def _plausible(piece: Slice) -> bool:
    """Whether a slice can have been measured: it took time, and no more was served than was sent."""
    return (
        piece.end > piece.start
        and piece.window >= 0
        and all(thread.finish > thread.start for thread in piece.threads)
        and (piece.served or 0) <= (piece.offered or 0)
        and len(piece.latencies) <= (piece.offered or 0)
    )


def _cut_torn_line(path: Path) -> None:
    with path.open("r+b") as file:
        data = file.read()
        file.truncate(data.rfind(b"\n") + 1)
