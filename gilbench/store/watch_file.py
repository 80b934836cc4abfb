"""The file of a watch: JSON Lines of intervals and events, bounded, in FILE and, with the older lines, FILE.1."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gilbench.model.errors import StudyError, UsageError
from gilbench.model.watch import SCHEMA, WatchEvent, WatchInterval, WatchLog
from gilbench.version import __version__

KIND = "watch"
LEAST = 10_000  # B that a file may be limited to, at least
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_ROUNDED = 1e-6
_TAIL = 1 << 20  # B, longer than any line
_BEGINNING = b'{"kind":"watch",'
_HEAD = msgspec.json.encode({"kind": KIND, "schema": SCHEMA, "gilbench": __version__}) + b"\n"


class WatchFile:
    """Appends lines to a file. When half of the size is reached, the file becomes FILE.1, in one step.

    A line that was cut by a kill is removed. Lines that cannot be written are lost; the watch goes on.

    Args:
        path: The file.
        most: Largest size of both files together in B.

    Raises:
        UsageError: The file cannot be written, is none of a watch, or belongs to another one that runs.
    """

    def __init__(self, path: Path, most: int) -> None:
        if most < LEAST:
            raise UsageError(f"--file-size: a file needs at least {LEAST} bytes; raise the limit")
        self._path, self._most = path, most // 2
        self.failed: str | None = None  # why the last line could not be written
        try:
            self._file = self._open()
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}; choose another file") from error

    def append(self, value: WatchInterval | WatchEvent) -> None:
        """Append a line, and bring it to the disk."""
        line = msgspec.json.encode(value) + b"\n"
        try:
            size = os.fstat(self._file).st_size
            if size > len(_HEAD) and size + len(line) > self._most:
                self._rotate()
                size = os.fstat(self._file).st_size
            try:
                _write_whole(self._file, line)
            except OSError:
                os.ftruncate(self._file, size)
                raise
        except OSError as error:
            self.failed = f"cannot write {self._path}: {error.strerror}"
        else:
            self.failed = None

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self) -> int:
        file = os.open(self._path, _FLAGS, 0o644)
        try:
            self._prepare(file)
        except BaseException:
            os.close(file)
            raise
        return file

    def _prepare(self, file: int) -> None:
        """Lock a file, and let it end after a whole line."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another watch writes {self._path}; choose another file, or end that watch"
            ) from error
        if not stat.S_ISREG(os.fstat(file).st_mode) or not _is_ours(os.pread(file, len(_HEAD), 0)):
            raise UsageError(f"{self._path} is not a file of a watch; choose another file")
        size = os.fstat(file).st_size
        end = size - len(_after_last_line(file, size))
        os.ftruncate(file, end)
        if not end:
            os.write(file, _HEAD)

    def _rotate(self) -> None:
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        before, self._file = self._file, self._open()
        os.close(before)


def _write_whole(file: int, line: bytes) -> None:
    """Append a line, and bring it to the disk.

    Raises:
        OSError: There is not enough space.
    """
    if os.write(file, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fdatasync(file)


def _after_last_line(file: int, size: int) -> bytes:
    """Return what follows the last whole line."""
    tail = os.pread(file, _TAIL, max(size - _TAIL, 0))
    return tail.rpartition(b"\n")[2]


def _is_ours(beginning: bytes) -> bool:
    """Return whether a file begins like one of a watch, or was cut within that."""
    return beginning.startswith(_BEGINNING[: len(beginning)])


def is_watch(path: Path) -> bool:
    """Return whether a file begins like one of a watch."""
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    except OSError:
        return False


class _Line(msgspec.Struct):
    kind: str = ""
    schema: int = 0


def lines_of(path: Path) -> Iterator[WatchInterval | WatchEvent]:
    """Yield what FILE.1 and FILE hold, oldest first.

    Raises:
        StudyError: A file cannot be read, is damaged, or has a newer schema.
    """
    older = path.with_name(f"{path.name}.1")
    for one in (older, path) if older.exists() else (path,):
        try:
            with one.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.endswith(b"\n"):  # the last one may have been cut by a kill
                        yield from _values(one, number, line)
        except OSError as error:
            raise StudyError(f"cannot read {one}: {error.strerror}") from error


def read_watch(path: Path) -> WatchLog:
    """Read what a watch saved.

    Raises:
        StudyError: As for ``lines_of``.
    """
    values = list(lines_of(path))
    intervals = tuple(value for value in values if isinstance(value, WatchInterval))
    for one in intervals:
        for fault in _faults(one):
            raise StudyError(
                f"{path} is damaged: {fault} in the interval of {one.start:.0f}; restore the file"
            )
    return WatchLog(
        intervals=intervals, events=tuple(value for value in values if isinstance(value, WatchEvent))
    )


def _faults(one: WatchInterval) -> Iterator[str]:
    """Yield impossible values: those that disagree."""
    if one.probe == "none" and (one.samples or one.gil_held is not None):
        yield "values without samples"
    if len({group.name for group in one.groups}) < len(one.groups):
        yield "two groups with one name"
    if one.pid is None and one.groups:
        yield "threads without a process"
    if (
        one.gil_held is not None
        and sum(group.gil_held or 0.0 for group in one.groups) > one.gil_held + _ROUNDED
    ):
        yield "groups that hold the GIL longer than the program"


def _values(path: Path, number: int, line: bytes) -> Iterator[WatchInterval | WatchEvent]:
    try:
        kind = msgspec.json.decode(line, type=_Line)
        if number == 1 and kind.kind != KIND:
            raise StudyError(f"{path} is not a file of a watch; choose another file")
        if number == 1 and kind.schema > SCHEMA:
            raise StudyError(
                f"{path} has schema {kind.schema}, but this gilbench reads up to {SCHEMA}; update gilbench"
            )
        if kind.kind == "interval":
            yield msgspec.json.decode(line, type=WatchInterval)
        elif kind.kind == "event":
            yield msgspec.json.decode(line, type=WatchEvent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StudyError(f"{path} is damaged in line {number}: {error}; restore the file") from error


def firing_alerts(path: Path) -> set[str]:
    """Return the rules whose alerts had fired, and not cleared, when a watch ended; a file that is missing has none."""
    firing: set[str] = set()
    with contextlib.suppress(StudyError):
        for value in lines_of(path):
            if isinstance(value, WatchEvent) and value.rule is not None:
                if value.event == "fired":
                    firing.add(value.rule)
                elif value.event == "cleared":
                    firing.discard(value.rule)
    return firing
