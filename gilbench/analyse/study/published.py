"""A study's results compared with published ones, if the study has the cases.

A sentence says "as published" or "unlike published results", and is left out if the intervals allow both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from gilbench.analyse.study.sentences import finding, names, spread
from gilbench.analyse.study.sweeps import SWITCH_INTERVAL, Line, Sweep
from gilbench.model.metrics import common_scale, write
from gilbench.model.results import Cell, Finding
from gilbench.model.study import Case, Interpreter, Workload
from gilbench.plan.axes import variant

FLAT = 1.2
"""A speedup below is none; values whose largest is at most so many times the smallest are alike."""
SCALES = 1.5
SLOWER = 0.95
COLLAPSE = 0.1
"""Of the unloaded throughput: an order of magnitude is lost. A thread with an equal share of one lock keeps half."""
LATE = 0.001  # s; a thread that need not wait has the GIL within a tenth of that
OWN = "_own"  # suffix of the unshared variant of a workload
_WHOLE = (0.9, 1.25)  # of a hold: the longest wait of many is about as long, and no longer

_CONVOY = "as published for 3.9: 50 requests/s at 10 ms, 3200 at 0.1 ms (tenthousandmeters.com, part 13)"
_DUAL_CORE = (
    "As published for 2.6 on two cores: 45.5 s with two threads, 24.6 s sequentially, 38.0 s with one core disabled "
    "(Beazley 2009)."
)
_C_CALL = "As published: a long C call blocks Ctrl-C until it returns (Beazley 2009)."
_CPUED = "as published for the new GIL (bpo-7946)"
_CONTENDED = "As published for 3.13t: 1.8 to 2 times slower if threads share objects (ftscalingbench)."
_SHORTER = "Shorten the switch interval with sys.setswitchinterval()."


def published(
    cells: Sequence[Cell],
    swept: Sequence[Sweep],
    interpreters: Mapping[str, Interpreter],
    workloads: Mapping[str, Workload],
) -> Iterator[Finding]:
    """Compare a study with published results.

    Args:
        cells: Cells of unobserved cases.
        swept: Sweeps of these cells.
        interpreters: Interpreters by name.
        workloads: Declarations by name.
    """
    yield from _convoy_by_switch_interval(swept, interpreters)
    yield from _slower_than_one_thread_twice(cells)
    yield from _polite_thread(cells)
    yield from _interrupt_in_a_c_call(cells, workloads)
    yield from _unshared(cells)


def has_gil(case: Case, interpreters: Mapping[str, Interpreter]) -> bool:
    """Whether the interpreter of a case holds a GIL: by the case's mode, else by the build."""
    return interpreters[case.interpreter].gil_enabled if case.gil is None else case.gil


def _convoy_by_switch_interval(
    swept: Sequence[Sweep], interpreters: Mapping[str, Interpreter]
) -> Iterator[Finding]:
    lines = (
        (sweep, line, points)
        for sweep in swept
        if (sweep.workload, sweep.axis, sweep.metric) == ("tcp_echo_cpu", SWITCH_INTERVAL, "throughput")
        for line, points in sweep.lines.items()
        if line.threads == 1
    )
    for sweep, line, points in lines:
        cells = [cell for _, cell in points]
        text = f"{sweep.workload} with one CPU-bound thread on {variant(line)}: {_ends(points)}"
        least, most = cells[0], cells[-1]
        if not has_gil(line, interpreters) or interpreters[line.interpreter].build.version_info < (3, 2):
            if max(cell.value for cell in cells) < FLAT * min(cell.value for cell in cells):
                yield finding("published", f"{text}. The switch interval makes no difference.", cells)
        elif _falling(points):
            falling = f"Throughput falls with each longer interval ({len(points)} intervals), {_CONVOY}."
            yield finding("published", f"{text}. {falling}", cells, _SHORTER)
        elif least.hi is not None and most.lo is not None and least.hi < most.lo:
            rising = "Throughput rises with a longer interval, unlike published results."
            yield finding("published", f"{text}. {rising}", cells)


def _ends(points: Line) -> str:
    """Write the first and the last value of a sweep of switch intervals."""
    ends = points[0], points[-1]
    unit = ends[0][1].unit
    scales = common_scale([cell.value for _, cell in ends], unit), common_scale([at for at, _ in ends], "s")
    return ", ".join(
        f"{write(cell.value, unit, scales[0])} at a switch interval of {write(at, 's', scales[1])}"
        for at, cell in ends
    )


def _falling(points: Line) -> bool:
    return all(
        after.value < before.value and after.hi is not None and before.hi is not None and after.hi < before.hi
        for (_, before), (_, after) in pairwise(points)
    )


def _slower_than_one_thread_twice(cells: Sequence[Cell]) -> Iterator[Finding]:
    """The old GIL on two CPUs, and on one."""
    two = [
        cell
        for cell in cells
        if cell.metric == "speedup" and cell.family == "cpu" and cell.case.threads == 2  # noqa: PLR2004
    ]
    confined = {(cell.case.workload, cell.case.interpreter): cell for cell in two if cell.case.cpus == 1}
    for cell in two:
        alone = confined.get((cell.case.workload, cell.case.interpreter))
        if cell.case.cpus == 1 or alone is None or cell.hi is None or alone.lo is None or cell.hi >= SLOWER:
            continue
        text = (
            f"{cell.case.workload}, 2 threads vs 1, on {cell.case.interpreter}: {spread([cell])} on "
            f"{cell.case.cpus or 'all'} CPUs, {spread([alone])} on 1 CPU."
        )
        said = _DUAL_CORE if cell.hi < alone.lo else ""
        yield finding("published", f"{text} {said}".strip(), [cell, alone])


def _polite_thread(cells: Sequence[Cell]) -> Iterator[Finding]:
    sleeps = [cell for cell in cells if (cell.case.workload, cell.metric) == ("cpued", "latency_p50")]
    late = [cell for cell in sleeps if cell.case.threads and cell.lo is not None and cell.lo > LATE]
    if late:
        known = {variant(cell.case) for cell in late}
        alone = [cell for cell in sleeps if not cell.case.threads and variant(cell.case) in known]
        unloaded = f" ({spread(alone)} unloaded)" if alone else ""
        yield finding(
            "published",
            f"cpued, two CPU-bound threads: a thread that calls sleep(0) after each millisecond of work regains the "
            f"GIL after {spread(late)} (median) on {names(late)}{unloaded}, {_CPUED}.",
            [*late, *alone],
            _SHORTER,
        )


def _interrupt_in_a_c_call(cells: Sequence[Cell], workloads: Mapping[str, Workload]) -> Iterator[Finding]:
    waits = [
        cell
        for cell in cells
        if cell.case.workload == "ctrl_c"
        and cell.metric == "latency_max"
        and dict(cell.case.parameters).get("main") == "c_call"
    ]
    by_hold: dict[float, list[Cell]] = defaultdict(list)
    for cell in waits:
        by_hold[float(dict(cell.case.parameters).get("hold", workloads["ctrl_c"].parameters["hold"]))].append(
            cell
        )
    for hold, group in by_hold.items():
        whole = [cell for cell in group if _WHOLE[0] * hold <= cell.value <= _WHOLE[1] * hold]
        if whole:
            yield finding(
                "published",
                f"Ctrl-C during a C call of {write(hold, 's')} in the main thread is handled after up to "
                f"{spread(whole)} on {names(whole)}. {_C_CALL}",
                whole,
            )


def _unshared(cells: Sequence[Cell]) -> Iterator[Finding]:
    speedups = {
        (cell.case.workload, variant(cell.case), cell.case.threads): cell
        for cell in cells
        if cell.metric == "speedup"
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
            and shared.case.threads == 2  # noqa: PLR2004
        ):
            pairs[name].append((shared, own))
    for name, found in pairs.items():
        what = ", ".join(
            f"{shared.case.workload} {spread([shared])} ({spread([own])})" for shared, own in found
        )
        yield finding(
            "published",
            f"On {name}, two threads that share an object are slower than one; two threads with an object each scale "
            f"(speedup in parentheses): {what}. {_CONTENDED}",
            [cell for pair in found for cell in pair],
        )
