"""Writes output files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from gilbench.model.errors import UsageError


def write_file(path: Path, text: str, *, append: bool = False) -> None:
    """Write a whole file.

    Raises:
        UsageError: The file cannot be written.
    """
    with open_file(path, append=append) as file:
        file.write(text)


@contextlib.contextmanager
def open_file(path: Path, *, append: bool = False) -> Iterator[TextIO]:
    """Open a file for writing.

    Raises:
        UsageError: The file cannot be opened or written.
    """
    try:
        with path.open("a" if append else "w", encoding="utf-8", errors="replace", newline="") as file:
            yield file
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another file") from error
