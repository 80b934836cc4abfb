"""What sentences are made of: names and figures of cells, and a finding with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gilbench.axes import variant
from gilbench.metrics import write
from gilbench.model import Cell, Finding


def names(cells: Sequence[Cell]) -> str:
    """The interpreters of some cells, each once: ``3.11, 3.13 and pypy3.9``."""
    found = list(dict.fromkeys(variant(cell) for cell in cells))
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def spread(cells: Sequence[Cell]) -> str:
    """The figures of some cells as one: ``1.98x``, or ``1.91x to 1.98x``."""
    values = sorted(cell.value for cell in cells)
    low, high = write(values[0], cells[0].unit), write(values[-1], cells[0].unit)
    return low if low == high else f"{low} to {high}"


def finding(kind: str, text: str, cells: Sequence[Cell]) -> Finding:
    """A sentence and the cells that it stands on."""
    evidence: list[dict[str, Any]] = [msgspec.to_builtins(cell) for cell in cells]
    return Finding(kind=kind, text=text, cells=tuple(evidence))
