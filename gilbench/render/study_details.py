"""The tables of a study after its sweeps: scaling models, costs, observers, and failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.model.results import Cell, Report
from gilbench.model.study import Case, Failure
from gilbench.plan.axes import variant
from gilbench.render.columns import (
    INTERPRETER,
    RowKey,
    Rows,
    by_place,
    by_workload,
    counts,
    metrics,
    table_of,
    threads,
    with_any,
)
from gilbench.render.counts import counted_table
from gilbench.render.figures import case_name, threads_name
from gilbench.render.page import Column, Section, Table, Text

_OBSERVERS = {
    "stacks": ("GIL held (py-spy, share of samples)", {"GIL held": "gil_held"}),
    "gil": (
        "GIL held and GIL wait (strongest available probe)",
        {"GIL held": "gil_held", "threads\nwaiting": "gil_wait"},
    ),
    "syscalls": ("System calls", {"calls": "system_calls", "calls\nper op": "system_calls_per_operation"}),
}


def details(cells: Sequence[Cell], report: Report) -> Iterator[Table]:
    """Yield the tables after the sweeps.

    Args:
        cells: Cells of unobserved cases.
        report: The report of the study.
    """
    rows = by_place(cells)
    yield from _models(rows)
    yield from _sharing(rows)
    yield from _system(rows)
    yield from counted_table(cells, report)
    yield from _observed(report)
    yield from _failures(report.failures)


def _models(rows: Rows) -> Iterator[Table]:
    columns = {
        "serial\nfraction": "serial_part",
        "contention\n(sigma)": "contention",
        "coherency\n(kappa)": "coherence",
    }
    shown = _at_most_threads(rows, "serial_part")
    if shown:
        yield table_of(
            "Scaling models: Amdahl serial fraction; USL contention, coherency",
            by_workload(shown),
            [
                INTERPRETER,
                counts("threads", lambda place: f"1-{place.threads}"),
                *metrics(rows, columns),
            ],
            "USL: Universal Scalability Law",
        )


def _sharing(rows: Rows) -> Iterator[Table]:
    shown = _at_most_threads(rows, "fairness")
    if shown:
        yield table_of(
            "Fairness and cost per operation (most threads)",
            by_workload(shown),
            [
                INTERPRETER,
                threads(),
                *metrics(rows, {"fairness": "fairness"}),
                *metrics(rows, {"start skew": "start_skew"}, "wide"),
                *metrics(
                    rows,
                    {"CPU time\nper op": "cpu_per_operation", "switches\nper op": "switches_per_operation"},
                ),
            ],
            "Fairness: Jain's index of the work per thread; 100%: equal shares",
        )


def _system(rows: Rows) -> Iterator[Table]:
    columns = {
        "CPUs\nbusy": "cpu_utilisation",
        "voluntary\nswitches": "voluntary_switches",
        "involuntary\nswitches": "involuntary_switches",
        "read\ncalls": "read_calls",
        "write\ncalls": "write_calls",
        "peak\nmemory": "memory_peak",
    }
    shown = _at_most_threads(rows, "cpu_utilisation")
    if shown:
        yield table_of(
            "CPU use, context switches, and system calls (most threads)",
            by_workload(shown),
            [INTERPRETER, threads(), *metrics(rows, columns, intervals=False)],
        )


def _at_most_threads(rows: Rows, metric: str) -> list[RowKey]:
    most = {place.name: place.threads for place in sorted(rows, key=lambda place: place.threads)}
    return [place for place in rows if place.threads == most[place.name] and metric in rows[place]]


def _observed(report: Report) -> Iterator[Table]:
    for observer, (title, columns) in _OBSERVERS.items():
        cells = [cell for cell in report.cells if observer in cell.case.observers]
        rows = with_any(by_place(cells), columns.values())
        if rows:
            yield table_of(
                title,
                by_workload(rows),
                [INTERPRETER, threads(), *metrics(rows, {**columns, "overhead": "observer_cost"})],
                "Overhead of the observer: observed / unobserved time",
            )


def _failures(found: Sequence[tuple[Case, Failure]]) -> Iterator[Table]:
    """Yield a table with the first failure of each case and kind."""
    first: dict[tuple[str, str], Failure] = {}
    for case, failure in found:
        name = f"{case_name(case.workload, case.parameters)}, {variant(case)}, {threads_name(case.threads)}"
        first.setdefault((name, failure.kind), failure)
    if first:
        columns = (
            Column("case", "left", folds=True),
            Column("kind", "left"),
            Column("reason", "left", folds=True),
        )
        rows = tuple((name, Text(kind, "bad"), _reason(failure)) for (name, kind), failure in first.items())
        yield Table("Failed runs", columns, (Section(rows),), rank=0)


def _reason(failure: Failure) -> str:
    """Return why a run failed; of a process that ended, with the last line that it wrote."""
    written = failure.output.strip().splitlines() if failure.kind in {"exit", "crash"} else []
    return ": ".join([failure.message, *written[-1:]])
