"""The table of commands: their times and memory per run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gilbench.model.results import Cell
from gilbench.model.study import Workload
from gilbench.plan.commands import HOST, PARAMETER
from gilbench.render.columns import (
    RowKey,
    Rows,
    Values,
    by_place,
    by_workload,
    labels,
    metrics,
    table_of,
    threads,
)
from gilbench.render.page import Table

_TIMES = {"wall time": "wall_time", "speedup": "speedup", "vs reference": "relative", "CPU time": "cpu_time"}
_PARTS = {"user": "user_time", "system": "system_time"}
_MORE = {"peak memory": "memory_peak"}
_GIL = {"GIL\nenabled": "gil_enabled"}


def command_tables(
    cells: Sequence[Cell], workloads: Mapping[str, Workload], reference: str, command: str | None
) -> Iterator[Table]:
    """Yield the table of commands, if there are any.

    Args:
        cells: Cells of a study.
        workloads: Declarations by name.
        reference: The interpreter that others are compared with.
        command: The command that others are compared with on the reference; None: there is only one.
    """
    mine = [cell for cell in cells if workloads[cell.case.workload].driver == "command"]
    rows = by_place(mine)
    if not rows:
        return
    alone = all(place.interpreter == HOST for place in rows)
    sections = {"": list(rows)} if alone else by_workload(rows)
    several = len({place.threads for place in rows}) > 1
    columns: list[Values[RowKey]] = [
        labels(lambda place: place.name.partition(f"{PARAMETER}=")[2] or place.name)
        if alone
        else labels(lambda place: place.interpreter),
        *([threads()] if several else []),
        *metrics(rows, _TIMES),
        *metrics(rows, _PARTS, "wide"),
        *metrics(rows, _MORE),
        *metrics(rows, _GIL),
    ]
    notes = _notes(rows, mine, workloads, reference, command)
    yield table_of("Commands (per run)", sections, columns, *notes)._replace(rank=1)


def _notes(
    rows: Rows, cells: Sequence[Cell], workloads: Mapping[str, Workload], reference: str, command: str | None
) -> Iterator[str]:
    if any("relative" in found for found in rows.values()):
        alone = all(place.interpreter == HOST for place in rows)
        names = [*(() if alone else (reference,)), *(() if command is None else (command,))]
        yield f"vs reference: speed relative to {', and for commands on it, to '.join(names)} (above 1: faster)"
    served = {cell.case.workload for cell in cells}
    if any(one.command is not None and one.command.load for name in served if (one := workloads[name])):
        yield "wall time: of the load; CPU time and peak memory: of the server meanwhile"
