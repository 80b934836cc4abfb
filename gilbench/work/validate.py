"""Checks files that users write by hand, without measuring."""

from __future__ import annotations

from pathlib import Path

from gilbench.store.known_bad import read_known_bad


def validate_known_bad(path: Path) -> int:
    """Read a list of known regressions, and return its length.

    Raises:
        UsageError: The file cannot be read, is not TOML, or has an invalid entry.
    """
    return len(read_known_bad(path))
