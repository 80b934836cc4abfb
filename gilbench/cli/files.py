"""Files that are written at the end of long work, tried before it begins."""

from __future__ import annotations

import os
from pathlib import Path

from gilbench.errors import UsageError


def refuse_unwritable(path: Path) -> None:
    """Open a file for writing and leave it as it was, so that nothing is measured in vain.

    Raises:
        UsageError: It could not be written.
    """
    there = os.path.lexists(path)
    if there and path.exists() and not (path.is_file() or path.is_dir()):
        return  # a device or a pipe: only writing would tell
    try:
        with path.open("ab"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another file") from error
