"""How counted instructions are shown: their table in a study, and the words that keep them apart from time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gilbench.analyse.stats.counts import COUNT_THRESHOLD, RESOLUTION
from gilbench.model.results import Cell, Comparison, Report
from gilbench.plan.counting import METRIC, RELATIVE, is_counted
from gilbench.render.columns import INTERPRETER, by_place, by_workload, metrics, table_of, values
from gilbench.render.page import Table

NOT_SEEN = (
    "Counted, not timed. Not seen: memory and caches, the kernel's side of system calls, waiting, other cores"
)


def is_count(row: Comparison) -> bool:
    """Return whether a row compares counts, not times."""
    return row.metric == METRIC


def judged_by(rows: Iterable[Comparison]) -> str | None:
    """Explain the verdicts on counts; None: there are no counts."""
    if not any(map(is_count, rows)):
        return None
    return (
        f"Instructions are counted, not timed: changes of at most {COUNT_THRESHOLD:.1%} count as equivalent, intervals "
        f"are at least ±{RESOLUTION:.1%}, and more instructions need not take more time."
    )


def counted_table(timed: Sequence[Cell], report: Report) -> Iterator[Table]:
    """Yield the table of work done, with the timed speed next to it.

    Args:
        timed: Cells of timed cases.
        report: The report of the study.
    """
    rows = by_place(cell for cell in report.cells if is_counted(cell.case))
    if not rows:
        return
    speeds = by_place(cell for cell in timed if cell.metric == "relative")
    reference = report.header.plan.reference
    columns = [
        INTERPRETER,
        *metrics(rows, {"instructions\nper op": METRIC, f"work vs\n{reference}": RELATIVE}),
    ]
    if any(RELATIVE in found for found in rows.values()):
        columns.append(
            values(f"speed vs\n{reference} (timed)", lambda place: speeds.get(place, {}).get("relative"))
        )
    yield table_of("Work done: instructions per operation, one thread", by_workload(rows), columns, NOT_SEEN)
