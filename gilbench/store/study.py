"""Study files: JSON Lines, append-only, and safe if gilbench is killed at any time.

The first line is the header ``{"kind": "study", "schema": 2, ...}``. Each other line is one finished run
``{"kind": "run", ...}``, which is synced to disk before the next run starts, or a host of a fleet
``{"kind": "host", ...}``, before its first run. A truncated last line is ignored with a warning. Damage anywhere else
is an error that names the line.

History of the schema:

1. First version.
2. Hosts of a fleet: lines of hosts, and ``host`` in runs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

import msgspec

from gilbench.model.errors import StudyError
from gilbench.model.excerpt import excerpt
from gilbench.model.study import FleetHost, Header, Run, Struct, Study
from gilbench.store.integrity import Runs
from gilbench.store.integrity_header import header_fault

SCHEMA = 2
_MOST_SCHEMAS = 1000  # a larger number is invalid
_ENCODER = msgspec.json.Encoder()
_OF_RUN, _OF_HOST = {"kind": "run"}, {"kind": "host"}
_HEADER = msgspec.json.Decoder(Header)
_RUN = msgspec.json.Decoder(Run)
_HOST = msgspec.json.Decoder(FleetHost)


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
                self._append([_line({"kind": "study", "schema": SCHEMA}, header)])
            except StudyError:
                self.close()
                path.unlink(missing_ok=True)
                raise

    def add(self, run: Run) -> None:
        """Append one finished run, and sync it to disk.

        Raises:
            StudyError: The file cannot be written, for example because the disk is full. Earlier runs are safe.
        """
        self._append([_line(_OF_RUN, run)])

    def add_block(self, runs: Sequence[Run], host: FleetHost | None = None) -> None:
        """Append all runs of a block at once, and sync them to disk.

        Args:
            runs: The runs.
            host: The host that measured them, if the file does not have it yet.

        Raises:
            StudyError: The file cannot be written, for example because the disk is full. Earlier runs are safe.
        """
        self.add_blocks([(runs, host)])

    def add_blocks(self, blocks: Iterable[tuple[Sequence[Run], FleetHost | None]]) -> None:
        """Append some blocks as ``add_block`` does, but sync them to disk together, which takes as long as one.

        Raises:
            StudyError: The file cannot be written, for example because the disk is full. Earlier runs are safe.
        """
        lines = []
        for runs, host in blocks:
            if host is not None:
                lines.append(_line(_OF_HOST, host))
            lines += [_line(_OF_RUN, run) for run in runs]
        self._append(lines)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, lines: Sequence[bytes]) -> None:
        data = b"".join(lines)
        begin = os.fstat(self._file.fileno()).st_size
        try:
            while data:
                data = data[self._file.write(data) :]  # a disk that is almost full accepts a part
            os.fsync(self._file.fileno())
        except OSError as error:
            # Remove a partial line or block, so that --resume can append.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), begin)
            raise StudyError(
                f"cannot write {self.path}: {error.strerror}\n"
                f"Finished runs are saved; resume later: gilbench run --resume {self.path}"
            ) from error


def _line(first: Mapping[str, Any], value: Struct) -> bytes:
    """Return a line with some fields and those of a value, without an intermediate dict of all of them."""
    return _ENCODER.encode(first)[:-1] + b"," + _ENCODER.encode(value)[1:] + b"\n"


class NotAStudyError(StudyError):
    """A file of another kind."""


def read_study(path: Path) -> Study:
    """Read a study file.

    Raises:
        StudyError: The file cannot be read, is not a study, has a newer schema, or has impossible values.
    """
    try:
        with path.open("rb") as file:
            return _read_lines(path, file)
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from error


def _read_lines(path: Path, file: BinaryIO) -> Study:
    first = _first_line(path, file)
    header = _read_header(path, first)
    known = Runs(header)
    runs: list[Run] = []
    hosts: list[FleetHost] = []
    warnings: tuple[str, ...] = ()
    for number, line in enumerate(file, start=2):
        if not line.endswith(b"\n"):
            warnings = (f"the last line of {path.name} is truncated and was left out",)
            break
        fault = _take(line[:-1], known, runs, hosts)
        if fault is not None:
            raise StudyError(
                f"{path}, line {number} is damaged: {fault}; restore the file, or remove that line"
            )
    return Study(header=header, runs=tuple(runs), hosts=tuple(hosts), warnings=warnings)


def _first_line(path: Path, file: BinaryIO) -> bytes:
    line = file.readline()
    if not line.strip() and not file.read().strip():
        raise StudyError(f"{path} is empty; measure a study: gilbench run -o FILE")
    if not line.endswith(b"\n"):
        raise StudyError(f"{path} is truncated in its first line; measure a new study: gilbench run -o FILE")
    return line[:-1]


def _take(line: bytes, known: Runs, runs: list[Run], hosts: list[FleetHost]) -> str | None:
    """Add what a line has to the runs or to the hosts; return why it is damaged, if it is."""
    try:
        if _LINE_KIND.decode(line).kind == "host":
            host = _HOST.decode(line)
            hosts.append(host)
            return known.host_fault(host)
        run = _RUN.decode(line)
        runs.append(run)
        return known.fault(run)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return str(error)


class _LineKind(Struct, frozen=True):
    """The field of a later line that is read before the others."""

    kind: Literal["run", "host"] = "run"


_LINE_KIND = msgspec.json.Decoder(_LineKind)


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
            f"use gilbench {excerpt(first.gilbench, 20)} or later"
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
