"""Keeps the workloads that gilbench writes for the user's own code, in its cache folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import platformdirs

from gilbench.host.trust import mistrust
from gilbench.model.errors import UsageError
from gilbench.plan.calls import Source


def keep_source(source: Source) -> Path:
    """Write a workload, unless the same one is there, and return its file.

    Raises:
        UsageError: The file cannot be written, or another user could replace it.
    """
    path = _folder() / source.digest / f"{source.name}.py"
    try:
        if not path.is_file() or path.read_text("utf-8") != source.text:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = path.with_name(f".{source.name}.{secrets.token_hex(8)}")
            temporary.write_text(source.text, "utf-8")
            temporary.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; set XDG_CACHE_HOME to a folder") from error
    reason = mistrust(path)
    if reason is not None:
        raise UsageError(f"cannot use {path}: {reason}; set XDG_CACHE_HOME to a folder of your own")
    return path


def is_kept(path: Path) -> bool:
    """Return whether a file is a workload that gilbench wrote for this user."""
    inside = os.path.realpath(path).startswith(os.path.realpath(_folder()) + os.sep)
    return inside and mistrust(path) is None


def _folder() -> Path:
    return platformdirs.user_cache_path("gilbench") / "calls"
