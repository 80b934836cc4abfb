"""The default file of a study."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


def default_study_path(folder: Path | None = None) -> Path:
    """Return a file named by the current time.

    Args:
        folder: Folder of the file; None: ``reports/`` in the current folder.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return (folder or Path.cwd() / "reports") / f"{stamp}.jsonl"
