"""The tables of a study before its sweeps: throughput and latency."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from gilbench.model.metrics import write
from gilbench.model.results import Cell, Report
from gilbench.model.study import Workload
from gilbench.plan.axes import variant
from gilbench.render.columns import (
    INTERPRETER,
    RowKey,
    Rows,
    Values,
    by_place,
    by_workload,
    counts,
    labels,
    metrics,
    table_of,
    texts,
    threads,
    values,
    with_any,
)
from gilbench.render.command_tables import command_tables
from gilbench.render.figures import case_name, threads_name, with_intervals
from gilbench.render.page import Column, Entry, Shown, Table, Text, Tone

_MOST_COLUMNS = 4  # maximum number of thread counts as columns; more are rows
COSTS, GAINS = 0.98, 1.02  # below and above, a relative speed is colored
_SCALING = {
    "cpu": "Scaling, cpu: Python code, which holds the GIL",
    "offgil": "Scaling, offgil: C code, which releases the GIL",
    "shared": "Scaling, shared: threads that share an object",
    "alternatives": "Scaling, alternatives to threads",
    "own": "Scaling, own code",
}
_RATES = ("served_rate", "offered_rate")  # only overloaded cases have them
_OVERLOADED = (
    "overloaded: more is offered than can be served, so latencies would measure the length of the schedule"
)
_TAILS: dict[str, tuple[str, Shown]] = {
    "latency_p50": ("p50", "always"),
    "latency_p90": ("p90", "wide"),
    "latency_p99": ("p99", "always"),
    "latency_p99_9": ("p99.9", "wide"),
    "latency_max": ("max", "always"),
}


def tables(cells: Sequence[Cell], report: Report) -> Iterator[Table]:
    """Yield the tables before the sweeps.

    Args:
        cells: Cells of unobserved cases.
        report: The report of the study.
    """
    workloads = {workload.name: workload for workload in report.header.workloads}
    plan = report.header.plan
    others = [cell for cell in cells if workloads[cell.case.workload].driver != "command"]
    for family, title in _SCALING.items():
        rank = 1 if family == "own" else None  # the others are in the overview
        for table in _scaling(title, [cell for cell in others if cell.family == family]):
            yield table._replace(rank=rank)
    yield from _service([cell for cell in others if cell.family in {"io", "mixed"}], workloads)
    yield from _signals([cell for cell in others if cell.family == "signals"], workloads)
    yield from _relative(others, plan.reference)
    yield from command_tables(cells, workloads, plan.reference, plan.command)


def _scaling(title: str, cells: Sequence[Cell]) -> Iterator[Table]:
    rows = by_place(cells)
    counts = sorted({place.threads for place in rows})
    if len(counts) > _MOST_COLUMNS:
        columns = {"throughput": "throughput", "speedup": "speedup", "speedup\nper thread": "efficiency"}
        yield table_of(title, by_workload(rows), [INTERPRETER, threads(), *metrics(rows, columns)])
    elif rows:

        def speed(place: RowKey, count: int) -> Cell | None:
            found = rows.get(place._replace(threads=count), {})
            return found.get("speedup") or found.get("throughput")

        yield table_of(
            title,
            by_workload(dict.fromkeys(place._replace(threads=0) for place in rows)),
            [
                INTERPRETER,
                *_time(rows),
                *(
                    values(threads_name(count), lambda place, count=count: speed(place, count))  # type: ignore[misc]
                    for count in counts
                ),
            ],
        )


def _time(rows: Rows) -> Iterator[Values[RowKey]]:
    """Yield the column of the time per operation on one thread; only own code has it."""
    found = {
        place._replace(threads=0): cells["time_per_operation"]
        for place, cells in rows.items()
        if "time_per_operation" in cells
    }
    if found:
        yield values("time", found.get)


def _service(cells: Sequence[Cell], workloads: Mapping[str, Workload]) -> Iterator[Table]:
    throughput = {
        "throughput": "throughput",
        "vs unloaded": "retained",
        "throughput of\nadded threads": "background_throughput",
    }
    rows = with_any(by_place(cells), throughput.values())
    if rows:
        yield table_of(
            "I/O with added threads: throughput (closed loop)",
            by_workload(rows),
            [INTERPRETER, _added(rows, workloads), *metrics(rows, throughput)],
            "vs unloaded: throughput / throughput with 0 added threads",
        )
    rows = with_any(by_place(cells), {*_TAILS, *_RATES})
    if rows:
        yield table_of(
            f"I/O with added threads: latency (open loop{_samples(', ', rows)})",
            by_workload(rows),
            [INTERPRETER, _added(rows, workloads), *_tails(rows)],
            *([_OVERLOADED] if with_any(rows, _RATES) else []),
        )


def _signals(cells: Sequence[Cell], workloads: Mapping[str, Workload]) -> Iterator[Table]:
    handled = {"handled": "delivered"}
    rows = with_any(by_place(cells), {*handled.values(), *_TAILS})
    if rows:
        yield table_of(
            f"Signal latency with CPU-bound threads{_samples(' (', rows, ')')}",
            by_workload(rows),
            [INTERPRETER, _added(rows, workloads), *metrics(rows, handled), *_tails(rows)],
        )


def _added(rows: Rows, workloads: Mapping[str, Workload]) -> Values[RowKey]:
    """Return the column of the numbers of added threads."""

    def count(place: RowKey) -> str:
        workload = workloads[next(iter(rows[place].values())).case.workload]
        if workload.quiet_case:
            return str(place.threads)
        return "0" if workload.family == "io" else f"pool of {place.threads}"

    return counts("added\nthreads", count)


def _tails(rows: Rows) -> Iterator[Values[RowKey]]:
    """Yield the columns of latencies; a wide terminal has more of them. Rows of overloaded cases have rates instead."""
    overloaded = with_any(rows, _RATES)
    for metric, (title, shown) in _TAILS.items():
        if with_any(rows, [metric]) or (overloaded and shown == "always"):
            column, entries = values(title, lambda place, name=metric: rows[place].get(name), shown)  # type: ignore[misc]
            yield Values(column, _unless_overloaded(rows, metric, entries))
    yield texts("samples", lambda place: _count(rows[place].get("latency_max")), shown="wide")


def _unless_overloaded(
    rows: Rows, metric: str, entries: Callable[[Sequence[RowKey]], Sequence[Entry]]
) -> Callable[[Sequence[RowKey]], Sequence[Entry]]:
    """Write what an overloaded case serves and is offered, in place of the latencies that it does not have."""

    def instead(place: RowKey, entry: Entry) -> Entry:
        found = rows[place]
        if not found.keys() >= set(_RATES):
            return entry
        served, offered = (write(found[rate].value, found[rate].unit) for rate in _RATES)
        return {
            "latency_p50": "overloaded:",
            "latency_p99": f"{served} served",
            "latency_max": f"of {offered}",
        }.get(metric, entry)

    return lambda places: list(map(instead, places, entries(places)))


def _count(cell: Cell | None) -> str:
    return "-" if cell is None or cell.samples is None else str(cell.samples)


def _samples(before: str, rows: Rows, after: str = "") -> str:
    """Return the minimum number of samples behind a 99th percentile, for a title."""
    tails = (found["latency_p99"] for found in rows.values() if "latency_p99" in found)
    counts = [cell.samples for cell in tails if cell.samples]
    return f"{before}{min(counts)}+ samples per row{after}" if counts else ""


def _relative(cells: Sequence[Cell], reference: str) -> Iterator[Table]:
    found = {
        (case_name(cell.case.workload, cell.case.parameters), variant(cell.case)): cell
        for cell in cells
        if cell.metric == "relative" and cell.case.threads == 1 and cell.family != "mixed"
    }

    def speeds(interpreter: str) -> Values[str]:
        def entries(names: Sequence[str]) -> list[Entry]:
            mine = [found.get((name, interpreter)) for name in names]
            return [Text(text, _tone(cell)) for text, cell in zip(with_intervals(mine), mine, strict=True)]

        return Values(Column(interpreter), entries)

    if found:
        yield table_of(
            f"Single-thread speed relative to {reference} (above 1: faster)",
            {"": list(dict.fromkeys(name for name, _ in found))},
            [labels(str), *map(speeds, dict.fromkeys(interpreter for _, interpreter in found))],
        )


def _tone(cell: Cell | None) -> Tone:
    if cell is None or cell.lo is None or cell.hi is None or (cell.lo <= GAINS and cell.hi >= COSTS):
        return "plain"
    return "good" if cell.lo > GAINS else "bad"
