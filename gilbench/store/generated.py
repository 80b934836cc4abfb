"""Writes the workload files that gilbench makes itself, in the cache folder of the user.

A file never changes: its folder is named by its content. So studies can be resumed, and equal files are written once.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

from gilbench.host.trust import mistrust
from gilbench.model.errors import UsageError


def write_workload(name: str, text: str) -> Path:
    """Write the file of a workload and return its path.

    Args:
        name: Name of the workload, which is that of the file.
        text: Its content.

    Raises:
        UsageError: The cache folder cannot be written, or another user can write to it.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("gilbench") / "workloads" / digest
    path = folder / f"{name}.py"
    part = folder / f".{os.getpid()}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}; set XDG_CACHE_HOME to another folder"
        ) from error
    reason = mistrust(path)
    if reason is not None:
        raise UsageError(f"{path} is not safe to run: {reason}; set XDG_CACHE_HOME to another folder")
    return path
