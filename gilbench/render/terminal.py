"""A report as tables and sentences for the terminal, readable at 80 columns and without colour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gilbench.axes import variant
from gilbench.metrics import write
from gilbench.model import Case, Cell, Failure, Report
from gilbench.render.figures import case_name, plain, with_interval
from gilbench.render.table import bare_table

_THREAD_COLUMNS = 4  # thread counts that fit beside each other at 80 columns
_NAME_WIDTH = 12  # of interpreters, indented; names of workloads may take two lines where room is short
_COSTS = 0.98  # below, a relative speed is coloured as a cost
_GAINS = 1.02


class _Place(NamedTuple):
    """What a row stands for: all of a case that can differ within one table."""

    name: str  # workload and parameters
    interpreter: str
    threads: int


_Rows = dict[_Place, dict[str, Cell]]


def render_terminal(report: Report, console: Console) -> None:
    """Print a report.

    Args:
        report: What is shown.
        console: Where; its width decides how much stands side by side.
    """
    plain = [cell for cell in report.cells if not cell.observers]
    _print_head(report, console)
    for table in (
        *_scaling_tables(plain),
        *_service_tables(plain),
        _signals_table(plain),
        _relative_table(plain, report.header.plan.reference),
        _sharing_table(plain),
        _system_table(plain),
        *_stacks_tables(report),
        _gil_table(report),
        _calls_table(report),
        _failures_table(report.failures),
    ):
        if table is not None:
            console.print(table)
            console.print()
    _print_list(console, "What was found", [finding.text for finding in report.findings], "bold")
    _print_list(console, "Before you believe it", report.warnings, "yellow")


def _print_head(report: Report, console: Console) -> None:
    host, plan = report.header.host, report.header.plan
    machine = f"  {host.cpu_model}, {host.cores} cores, {host.system} {host.kernel}"
    virtual = f", {host.virtualisation}" if host.virtualisation else ""
    console.print(plain(f"gilbench {report.header.gilbench}", "bold") + plain(machine + virtual))
    console.print(
        plain(
            f"profile {plan.profile.name}, {plan.profile.blocks} blocks, reference {plan.reference}, "
            f"{report.header.created}. Figures are means over blocks with 95 % intervals (±).",
            "dim",
        )
    )
    console.print()


def _table(title: str, *columns: str) -> Table:
    """A table whose first column names workloads and, indented below them, interpreters."""
    table = bare_table(title)
    table.add_column("", overflow="fold", min_width=_NAME_WIDTH)
    for column in columns:
        table.add_column(plain(column), justify="right", no_wrap=True)
    return table


def _rows(cells: Sequence[Cell]) -> _Rows:
    rows: _Rows = defaultdict(dict)
    for cell in cells:
        rows[_Place(case_name(cell.workload, cell.parameters), variant(cell), cell.threads)][cell.metric] = (
            cell
        )
    return rows


def _fill(table: Table, places: Sequence[_Place], figures: Callable[[_Place], Sequence[str | Text]]) -> Table:
    """Add a row for each place, with the workload's name above the first of its rows."""
    name = None
    for place in places:
        if place.name != name:
            if name is not None:
                table.add_section()
            name = place.name
            table.add_row(plain(name, "bold"))
        table.add_row(plain(f"  {place.interpreter}"), *figures(place))
    return table


def _scaling_tables(cells: Sequence[Cell]) -> Iterator[Table]:
    titles = {
        "cpu": "Scaling, cpu: Python code, which holds the GIL",
        "offgil": "Scaling, offgil: C code that releases it",
        "shared": "Scaling, shared: threads on one object",
        "alternatives": "Scaling, alternatives to threads",
    }
    for family, title in titles.items():
        rows = _rows([cell for cell in cells if cell.family == family])
        counts = sorted({place.threads for place in rows})
        if rows:
            beside = len(counts) <= _THREAD_COLUMNS
            yield _scaling_beside(title, rows, counts) if beside else _scaling_below(title, rows)


def _scaling_beside(title: str, rows: _Rows, counts: Sequence[int]) -> Table:
    def figures(place: _Place) -> list[str]:
        cells = [rows.get(place._replace(threads=count), {}) for count in counts]
        return [with_interval(metrics.get("speedup") or metrics.get("throughput")) for metrics in cells]

    places = list(dict.fromkeys(place._replace(threads=0) for place in rows))
    return _fill(_table(title, *(_threads(count) for count in counts)), places, figures)


def _scaling_below(title: str, rows: _Rows) -> Table:
    metrics = ("throughput", "speedup", "efficiency")
    return _fill(
        _table(title, "threads", "throughput", "speed-up", "per thread"),
        list(rows),
        lambda place: [str(place.threads), *(with_interval(rows[place].get(name)) for name in metrics)],
    )


def _service_tables(cells: Sequence[Cell]) -> Iterator[Table | None]:
    served = [cell for cell in cells if cell.family in {"io", "mixed"}]
    yield _by_threads(
        served,
        "I/O beside CPU-bound threads: one request after the other",
        {"requests": "throughput", "of quiet": "retained", "background": "background_throughput"},
    )
    yield _by_threads(
        served,
        "I/O beside CPU-bound threads: latency of requests sent on schedule",
        {"p50": "latency_p50", "p99": "latency_p99", "max": "latency_max"},
    )


def _signals_table(cells: Sequence[Cell]) -> Table | None:
    return _by_threads(
        [cell for cell in cells if cell.family == "signals"],
        "Signals from another process, beside CPU-bound threads",
        {"handled": "delivered", "p50": "latency_p50", "p99": "latency_p99", "max": "latency_max"},
    )


def _by_threads(cells: Sequence[Cell], title: str, columns: dict[str, str]) -> Table | None:
    rows = _rows([cell for cell in cells if cell.metric in columns.values()])
    if not rows:
        return None
    if "latency_p99" in columns.values():
        counts = [cell.samples for cell in cells if cell.metric == "latency_p99" and cell.samples]
        title += f" ({min(counts)} or more a row)" if counts else ""

    def figures(place: _Place) -> list[str]:
        metrics = rows[place]
        # In io the thread that serves is the only one.
        busy = 0 if next(iter(metrics.values())).family == "io" else place.threads
        return [str(busy), *(with_interval(metrics.get(metric)) for metric in columns.values())]

    order = list(dict.fromkeys(place.name for place in rows))
    places = sorted(rows, key=lambda place: order.index(place.name))
    return _fill(_table(title, "cpu", *columns), places, figures)


def _relative_table(cells: Sequence[Cell], reference: str) -> Table | None:
    single = [
        cell for cell in cells if cell.metric == "relative" and cell.threads == 1 and cell.family != "mixed"
    ]
    if not single:
        return None
    names = list(dict.fromkeys(variant(cell) for cell in single))
    by_place = {(case_name(cell.workload, cell.parameters), variant(cell)): cell for cell in single}
    table = _table(f"One thread: speed relative to {reference}, above 1 is faster", *names)
    for name in dict.fromkeys(name for name, _ in by_place):
        table.add_row(plain(name), *(_coloured(by_place.get((name, interpreter))) for interpreter in names))
    return table


def _sharing_table(cells: Sequence[Cell]) -> Table | None:
    rows = _rows(cells)
    shown = _at_most_threads(rows, "fairness")
    if not shown:
        return None
    metrics = ("fairness", "serial_part", "cpu_per_operation")
    return _fill(
        _table(
            "How threads share the work, at the most threads",
            *("thr", "fairness", "serial part", "CPU per operation"),
        ),
        shown,
        lambda place: [str(place.threads), *(with_interval(rows[place].get(metric)) for metric in metrics)],
    )


def _at_most_threads(rows: _Rows, metric: str) -> list[_Place]:
    most = {place.name: place.threads for place in sorted(rows, key=lambda place: place.threads)}
    return [place for place in rows if place.threads == most[place.name] and metric in rows[place]]


def _system_table(cells: Sequence[Cell]) -> Table | None:
    rows = _rows(cells)
    shown = _at_most_threads(rows, "cpu_utilisation")
    if not shown:
        return None
    metrics = (
        "cpu_utilisation",
        "voluntary_switches",
        "involuntary_switches",
        "read_calls",
        "write_calls",
        "memory_peak",
    )
    return _fill(
        _table(
            "CPU, context switches and system calls, at the most threads",
            *("thr", "cores", "volunt.", "involunt.", "read", "write", "memory"),
        ),
        shown,
        lambda place: [str(place.threads), *(_value(rows[place].get(metric)) for metric in metrics)],
    )


def _stacks_tables(report: Report) -> Iterator[Table]:
    rows = _rows([cell for cell in report.cells if "stacks" in cell.observers])
    held = [place for place, metrics in rows.items() if "gil_held" in metrics]
    if held:
        yield _fill(
            _table("Who held the GIL, by py-spy: share of samples", "thr", "held", "slow-down by py-spy"),
            held,
            lambda place: [
                str(place.threads),
                with_interval(rows[place]["gil_held"]),
                with_interval(rows[place].get("observer_cost")),
            ],
        )


def _gil_table(report: Report) -> Table | None:
    rows = _rows([cell for cell in report.cells if "gil" in cell.observers])
    seen = [place for place, metrics in rows.items() if {"gil_held", "gil_wait"} & metrics.keys()]
    if not seen:
        return None
    return _fill(
        _table("The GIL, by the strongest probe that works", "thr", "held", "threads waiting", "slow-down"),
        seen,
        lambda place: [
            str(place.threads),
            with_interval(rows[place].get("gil_held")),
            with_interval(rows[place].get("gil_wait")),
            with_interval(rows[place].get("observer_cost")),
        ],
    )


def _calls_table(report: Report) -> Table | None:
    rows = _rows([cell for cell in report.cells if "syscalls" in cell.observers])
    counted = [place for place, metrics in rows.items() if "system_calls" in metrics]
    if not counted:
        return None
    return _fill(
        _table("System calls", "thr", "calls", "an operation", "slow-down by counting"),
        counted,
        lambda place: [
            str(place.threads),
            with_interval(rows[place]["system_calls"]),
            _value(rows[place].get("system_calls_per_operation")),
            with_interval(rows[place].get("observer_cost")),
        ],
    )


def _failures_table(failures: Sequence[tuple[Case, Failure]]) -> Table | None:
    if not failures:
        return None
    table = bare_table("Runs that failed")
    for column in ("case", "kind", "reason"):
        table.add_column(column, overflow="fold")
    seen = {
        (
            f"{case_name(case.workload, case.parameters)}, {variant(case)}, {_threads(case.threads)}",
            failure.kind,
        ): failure
        for case, failure in failures
    }
    for (name, kind), failure in seen.items():
        table.add_row(plain(name), plain(kind, "red"), plain(failure.message))
    return table


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _value(cell: Cell | None) -> str:
    return "-" if cell is None else write(cell.value, cell.unit)


def _coloured(cell: Cell | None) -> Text:
    text = Text(with_interval(cell))
    if cell is not None and cell.hi is not None and cell.hi < _COSTS:
        text.stylize("red")
    if cell is not None and cell.lo is not None and cell.lo > _GAINS:
        text.stylize("green")
    return text


def _print_list(console: Console, title: str, lines: Sequence[str], style: str) -> None:
    if not lines:
        return
    console.print(Text(title, style=style))
    for line in lines:
        console.print(Padding(plain(line), (0, 0, 0, 2)))
    console.print()
