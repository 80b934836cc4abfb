"""Writes output files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from gilbench.model.errors import UsageError

_BEGINNING = 1000  # characters


def write_file(path: Path, content: str | bytes, *, append: bool = False) -> None:
    """Write a whole file.

    Raises:
        UsageError: The file cannot be written.
    """
    if isinstance(content, bytes):
        with _errors_of(path):
            path.write_bytes(content)
        return
    with open_file(path, append=append) as file:
        file.write(content)


@contextlib.contextmanager
def open_file(path: Path, *, append: bool = False) -> Iterator[TextIO]:
    """Open a file for writing.

    Raises:
        UsageError: The file cannot be opened or written.
    """
    with (
        _errors_of(path),
        path.open("a" if append else "w", encoding="utf-8", errors="replace", newline="") as file,
    ):
        yield file


@contextlib.contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another file") from error


def write_folder(folder: Path, files: Mapping[str, str], mark: str) -> None:
    """Write files to a folder that is new, empty, or holds only files of an earlier call, which are replaced.

    Args:
        folder: The folder; it is created if it is missing.
        files: Texts by file name.
        mark: A text at the beginning of each file, by which files of an earlier call are known.

    Raises:
        UsageError: The folder holds something else, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = sorted(folder.iterdir())
        other = next((path for path in there if not _has_mark(path, mark)), None)
        if other is not None:
            raise UsageError(
                f"{folder} holds other things, such as {other.name}; choose a new or empty folder"
            )
        for path in there:
            if path.name not in files:
                path.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}; choose another folder") from error
    for name, text in files.items():
        write_file(folder.joinpath(name), text)


def _has_mark(path: Path, mark: str) -> bool:
    """Return whether a file, and not a link to one, begins like those of an earlier call."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return mark in file.read(_BEGINNING)
