"""Where a study goes when no file is named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


def default_study_path(folder: Path | None = None) -> Path:
    """``reports/`` of the current folder, named by the moment."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return (folder or Path.cwd() / "reports") / f"{stamp}.jsonl"
