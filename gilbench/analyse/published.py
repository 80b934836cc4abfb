"""What was published about the GIL beside what a study shows of it, wherever it holds the cases for that.

A sentence says as published, or unlike what was published, and is left out where the intervals allow both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from gilbench.analyse.sentences import finding, names, spread
from gilbench.analyse.sweeps import SWITCH_INTERVAL, Line, Sweep
from gilbench.axes import variant
from gilbench.metrics import write
from gilbench.model import Cell, Finding, Interpreter, Workload

FLAT = 1.2
"""A speed-up that stays below is none; figures whose largest is no more times the smallest are alike."""
SCALES = 1.5
SLOWER = 0.95
LATE = 0.001  # s; a thread that gets the GIL when it asks for it has it within a tenth of that
OWN = "_own"  # what the twin of a workload is called that shares nothing
_WHOLE = (0.9, 1.25)  # of a hold: the longest wait of many is about as long, and no longer

_CONVOY = "as published for 3.9: 50 requests/s at 10 ms, 3 200 at 0.1 ms (tenthousandmeters.com, part 13)"
_DUAL_CORE = (
    "As published for 2.6 on two cores: 45.5 s on two threads for 24.6 s in a row, 38.0 s with one core switched off "
    "(Beazley 2009)."
)
_C_CALL = "As published: one long C call blocks ^C for its whole length (Beazley 2009)."
_CPUED = "as published for the new GIL (bpo-7946)"
_CONTENDED = "As published for 3.13t: 1.8 to 2 times slower where threads share (ftscalingbench)."


def published(
    cells: Sequence[Cell],
    swept: Sequence[Sweep],
    interpreters: Mapping[str, Interpreter],
    workloads: Mapping[str, Workload],
) -> Iterator[Finding]:
    """Compare a study with what was published.

    Args:
        cells: Of cases that nobody observed.
        swept: Sweeps among them.
        interpreters: By name.
        workloads: Declarations by name.
    """
    yield from _convoy_by_switch_interval(swept, interpreters)
    yield from _slower_than_one_thread_twice(cells)
    yield from _polite_thread(cells)
    yield from _interrupt_in_a_c_call(cells, workloads)
    yield from _twins(cells)


def _has_gil(cell: Cell, interpreters: Mapping[str, Interpreter]) -> bool:
    return interpreters[cell.interpreter].gil_enabled if cell.gil is None else cell.gil


def _convoy_by_switch_interval(
    swept: Sequence[Sweep], interpreters: Mapping[str, Interpreter]
) -> Iterator[Finding]:
    for sweep in swept:
        if (sweep.workload, sweep.axis, sweep.metric) != ("tcp_echo_cpu", SWITCH_INTERVAL, "throughput"):
            continue
        for line, points in sweep.lines.items():
            if line.threads != 1:
                continue
            least, most = points[0], points[-1]
            text = f"{sweep.workload} beside one CPU-bound thread on {variant(line)} serves {_at(least)}, {_at(most)}"
            cells = [cell for _, cell in points]
            if not _has_gil(line, interpreters) or interpreters[line.interpreter].build.version_info < (3, 2):
                if max(cell.value for cell in cells) < FLAT * min(cell.value for cell in cells):
                    yield finding("published", f"{text}: the interval does not matter there.", cells)
            elif _falling(points):
                yield finding(
                    "published",
                    f"{text}; of {len(points)} intervals each longer one gives fewer, {_CONVOY}.",
                    cells,
                )
            elif least[1].hi is not None and most[1].lo is not None and least[1].hi < most[1].lo:
                yield finding(
                    "published", f"{text}: more with a longer interval, unlike what was published.", cells
                )


def _at(point: tuple[float, Cell]) -> str:
    value, cell = point
    return f"{write(cell.value, cell.unit)} at a switch interval of {write(value, 's')}"


def _falling(points: Line) -> bool:
    return all(
        after.value < before.value and after.hi is not None and before.hi is not None and after.hi < before.hi
        for (_, before), (_, after) in pairwise(points)
    )


def _slower_than_one_thread_twice(cells: Sequence[Cell]) -> Iterator[Finding]:
    """The old GIL on two cores, and on one."""
    two = [
        cell
        for cell in cells
        if cell.metric == "speedup" and cell.family == "cpu" and cell.threads == 2  # noqa: PLR2004
    ]
    for cell in two:
        alone = next(
            (
                other
                for other in two
                if other.cpus == 1
                and (other.workload, other.interpreter) == (cell.workload, cell.interpreter)
            ),
            None,
        )
        if cell.cpus == 1 or alone is None or cell.hi is None or alone.lo is None or cell.hi >= SLOWER:
            continue
        text = (
            f"{cell.workload} on two threads does {spread([cell])} the work of one on {cell.interpreter}, and "
            f"{spread([alone])} on one CPU."
        )
        said = _DUAL_CORE if cell.hi < alone.lo else ""
        yield finding("published", f"{text} {said}".strip(), [cell, alone])


def _polite_thread(cells: Sequence[Cell]) -> Iterator[Finding]:
    sleeps = [cell for cell in cells if (cell.workload, cell.metric) == ("cpued", "latency_p50")]
    late = [cell for cell in sleeps if cell.threads and cell.lo is not None and cell.lo > LATE]
    if late:
        known = {variant(cell) for cell in late}
        alone = [cell for cell in sleeps if not cell.threads and variant(cell) in known]
        quiet = f", and {spread(alone)} alone" if alone else ""
        yield finding(
            "published",
            f"A thread that sleeps 0 after each millisecond of work has the GIL back after {spread(late)} at the "
            f"median beside two threads that count, on {names(late)}{quiet}, {_CPUED}.",
            [*late, *alone],
        )


def _interrupt_in_a_c_call(cells: Sequence[Cell], workloads: Mapping[str, Workload]) -> Iterator[Finding]:
    waits = [
        cell
        for cell in cells
        if cell.workload == "ctrl_c"
        and cell.metric == "latency_max"
        and dict(cell.parameters).get("main") == "c_call"
    ]
    by_hold: dict[float, list[Cell]] = defaultdict(list)
    for cell in waits:
        by_hold[float(dict(cell.parameters).get("hold", workloads["ctrl_c"].parameters["hold"]))].append(cell)
    for hold, group in by_hold.items():
        whole = [cell for cell in group if _WHOLE[0] * hold <= cell.value <= _WHOLE[1] * hold]
        if whole:
            yield finding(
                "published",
                f"While the main thread is in a C call of {write(hold, 's')}, ^C is seen after up to {spread(whole)} "
                f"on {names(whole)}. {_C_CALL}",
                whole,
            )


def _twins(cells: Sequence[Cell]) -> Iterator[Finding]:
    speedups = {
        (cell.workload, variant(cell), cell.threads): cell for cell in cells if cell.metric == "speedup"
    }
    pairs: dict[str, list[tuple[Cell, Cell]]] = defaultdict(list)
    for (workload, name, threads), shared in speedups.items():
        own = speedups.get((workload + OWN, name, threads))
        if (
            own
            and shared.hi is not None
            and own.lo is not None
            and shared.hi < SLOWER
            and own.lo > SCALES
            and shared.threads == 2  # noqa: PLR2004
        ):
            pairs[name].append((shared, own))
    for name, found in pairs.items():
        what = ", ".join(f"{shared.workload} {spread([shared])} ({spread([own])})" for shared, own in found)
        yield finding(
            "published",
            f"On {name} two threads do less than one where they share an object, and scale on objects of their own (in "
            f"brackets): {what}. {_CONTENDED}",
            [cell for pair in found for cell in pair],
        )
