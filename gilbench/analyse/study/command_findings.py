"""Findings of commands: how fast each is, compared with the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.sentences import basis, finding
from gilbench.model.metrics import significant, undetermined
from gilbench.model.results import Cell, Finding
from gilbench.model.study import Case, Workload
from gilbench.plan.axes import variant
from gilbench.plan.commands import HOST, PARAMETER, command_of


def command_findings(
    cells: Sequence[Cell], workloads: Mapping[str, Workload], blocks: Blocks
) -> Iterator[Finding]:
    """Compare each command with its reference, by wall time."""
    for cell in cells:
        driver = workloads[cell.case.workload].driver
        if cell.metric != "relative" or driver != "command" or cell.lo is None or cell.hi is None:
            continue
        name, reference = _name(cell.case), blocks.reference_name(cell.case)
        ends = f"{significant(cell.lo)} to {significant(cell.hi)}"
        if undetermined(cell.value, cell.lo, cell.hi, cell.unit):
            text = f"{basis(cell)} do not determine whether {name} and {reference} differ"
        elif cell.lo <= 1 <= cell.hi:
            text = f"no detectable difference between {name} and {reference} (ratio {ends}, {basis(cell)})"
        else:
            text = f"{name} runs at {significant(cell.value)}x the speed of {reference} (95% interval {ends})"
        yield finding("commands", f"Wall time: {text}.", [cell])


def _name(case: Case) -> str:
    command = command_of(case)
    words = [f"{name}={value}" for name, value in case.parameters if name != PARAMETER]
    values = f" ({', '.join(words)})" if words else ""
    name = f"{command or case.workload}{values}"
    return name if case.interpreter == HOST else f"{name} on {variant(case)}"
