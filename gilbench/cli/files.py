"""Writes output files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from gilbench.model.errors import UsageError


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
