"""Checks output files before long work starts."""

from __future__ import annotations

import os
from pathlib import Path

from gilbench.model.errors import UsageError


def refuse_unwritable(path: Path) -> None:
    """Check before the work that a file can be written, and leave the file unchanged.

    Raises:
        UsageError: The file cannot be written.
    """
    there = os.path.lexists(path)
    if there and path.exists() and not (path.is_file() or path.is_dir()):
        return  # a device or a pipe, which only a write can test
    try:
        with path.open("ab"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another file") from error
