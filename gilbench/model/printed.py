"""Results that another benchmark printed as text, for comparison. Unknown is what the text does not say."""

from __future__ import annotations

from gilbench.model.metrics import METRICS
from gilbench.model.results import Caveat, Cell
from gilbench.model.study import Case, Family, Name, Struct

UNKNOWN = "unknown"


class PrintedResults(Struct, frozen=True):
    """What one run of a benchmark printed."""

    tool: Name
    file: str  # its name, without the folder
    interpreter: Name | None  # as printed; None: unknown, like the host
    host: str | None
    cells: tuple[Cell, ...]  # without intervals: each is one printed value
    caveats: tuple[Caveat, ...] = ()


def printed_cell(
    workload: str, family: Family, interpreter: str | None, threads: int, metric: str, value: float
) -> Cell:
    """Return one printed value.

    Args:
        workload: Name of the benchmark, after the tool's name and a colon.
        family: Family of workloads like it.
        interpreter: Interpreter, as printed; None: unknown.
        threads: Number of threads.
        metric: Name of a metric.
        value: In the metric's base unit.
    """
    return Cell(
        case=Case(workload=workload, interpreter=interpreter or UNKNOWN, threads=threads),
        family=family,
        metric=metric,
        unit=METRICS[metric].unit,
        better=METRICS[metric].better,
        value=value,
        lo=None,
        hi=None,
        blocks=1,
    )
