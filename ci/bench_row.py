"""One figure of a benchmark of gilbench itself."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One figure and what it should be."""

    what: str
    value: float  # not a number where it could not be measured
    lo: float | None
    hi: float | None
    aim: str
    holds: bool
