"""Reads sizes and percentages of options."""

from __future__ import annotations

import re

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def parse_size(option: str, text: str) -> int:
    """Read ``10MB`` or ``512KiB`` as bytes.

    Raises:
        UsageError: The text is not a size.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) *([a-z]*)", text.strip().lower())
    if found is None or found[2] not in _UNITS:
        raise UsageError(f"{option}: {excerpt(text, 20)!r} is not a size; use for example 10MB or 512KiB")
    return round(float(found[1]) * _UNITS[found[2]])


def parse_percent(option: str, text: str) -> float:
    """Read ``1%`` or ``0.5`` as a fraction.

    Raises:
        UsageError: The text is not a percentage above 0 and up to 100.
    """
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,9})?) *%?", text.strip())
    percent = float(found[1]) if found is not None else 0.0
    if not 0 < percent <= 100:  # noqa: PLR2004
        raise UsageError(f"{option}: {excerpt(text, 20)!r} is not a percentage above 0; use for example 1%")
    return percent / 100
