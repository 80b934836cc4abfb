"""Parts of sentences: names and values of cells; a finding with its evidence."""

from __future__ import annotations

from collections.abc import Sequence

from gilbench.model.metrics import common_scale, write
from gilbench.model.results import Cell, Finding
from gilbench.plan.axes import variant

_NAMED = 4  # hosts in a sentence


def names(cells: Sequence[Cell]) -> str:
    """List the interpreters of some cells, each once: ``3.11, 3.13, and pypy3.9``."""
    return _joined(list(dict.fromkeys(variant(cell.case) for cell in cells)))


def listed(hosts: Sequence[str]) -> str:
    """List the names of some hosts, the first few of many: ``east, west, and 8 more``."""
    left = len(hosts) - _NAMED
    return _joined([*hosts[:_NAMED], f"{left} more"] if left > 1 else hosts)


def basis(cell: Cell) -> str:
    """Return what an interval is over: ``8 blocks``, or of a fleet ``5 hosts``."""
    return f"{cell.blocks} blocks" if cell.hosts is None else f"{cell.hosts} hosts"


def _joined(words: Sequence[str]) -> str:
    *others, last = words
    if len(others) > 1:
        return f"{', '.join(others)}, and {last}"
    return " and ".join([*others, last])


def spread(cells: Sequence[Cell]) -> str:
    """Write the values of some cells as one: ``1.98x``, or ``1.91x to 1.98x``."""
    ends = min(cell.value for cell in cells), max(cell.value for cell in cells)
    scale = common_scale(ends, cells[0].unit)
    low, high = (write(value, cells[0].unit, scale) for value in ends)
    return low if low == high else f"{low} to {high}"


def finding(kind: str, text: str, cells: Sequence[Cell], step: str | None = None) -> Finding:
    """Make a finding about a workload.

    Args:
        kind: For programs.
        text: The sentence.
        cells: What it is based on; the first one names the workload.
        step: What to do about it; None: nothing.
    """
    return Finding(kind=kind, text=text, subject=cells[0].case.workload, next=step, cells=tuple(cells))
