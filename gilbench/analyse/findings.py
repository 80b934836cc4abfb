"""A few plain sentences: what was found, each with the figures that it stands on.

A sentence is written only where the interval leaves no other reading; what cannot be told is not told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from gilbench.analyse.blocks import Blocks, throughput
from gilbench.analyse.geomean import geometric_mean
from gilbench.analyse.published import FLAT, LATE, SCALES, SLOWER, published
from gilbench.analyse.sentences import finding, names, spread
from gilbench.analyse.sweeps import sweeps
from gilbench.axes import variant
from gilbench.metrics import significant
from gilbench.model import Cell, Finding, Interpreter, Study

COLLAPSE = 0.10


def findings(study: Study, blocks: Blocks, cells: Sequence[Cell]) -> tuple[Finding, ...]:
    """Say what a study shows."""
    plain = [cell for cell in cells if not cell.observers]
    interpreters = {interpreter.name: interpreter for interpreter in study.header.interpreters}
    workloads = {workload.name: workload for workload in study.header.workloads}
    return (
        *_scaling(plain, interpreters),
        *_keeping_modules(study, plain),
        *_convoy(plain),
        *_signals(plain),
        *published(plain, list(sweeps(plain, workloads)), interpreters, workloads),
        *_single_thread(study, blocks),
        *_effort(study),
    )


def _scaling(cells: Sequence[Cell], interpreters: dict[str, Interpreter]) -> Iterator[Finding]:
    by_workload: dict[tuple[str, int], list[Cell]] = defaultdict(list)
    widest: dict[str, int] = {}
    for cell in cells:
        if cell.metric == "speedup":
            by_workload[cell.workload, cell.threads].append(cell)
            # Two threads say whether there is a lock at all; more may only say how few cores there are.
            widest[cell.workload] = min(cell.threads, widest.get(cell.workload, cell.threads))
    for (workload, threads), group in by_workload.items():
        if threads != widest[workload]:
            continue
        slower = [cell for cell in group if cell.hi is not None and cell.hi < SLOWER]
        flat = [cell for cell in group if cell not in slower and cell.hi is not None and cell.hi < FLAT]
        scaling = [cell for cell in group if cell.lo is not None and cell.lo > SCALES]
        parts = []
        if scaling:
            parts.append(f"does {spread(scaling)} the work of one thread on {names(scaling)}")
        if flat:
            parts.append(f"no more than one on {names(flat)} ({spread(flat)})")
        if slower:
            parts.append(f"less than one on {names(slower)} ({spread(slower)})")
        if parts:
            parts[0] = parts[0] if scaling else f"does {parts[0]}"
            text = f"{workload} on {threads} threads {', '.join(parts)}."
            surprising = [cell.interpreter for cell in scaling if interpreters[cell.interpreter].gil_enabled]
            if surprising and group[0].family == "offgil":
                text += " The work is done outside the GIL."
            yield finding("scaling", text, [*scaling, *flat, *slower])


def _keeping_modules(study: Study, cells: Sequence[Cell]) -> Iterator[Finding]:
    """Work that ought to leave the GIL and does not, because another module does it."""
    cases = study.header.plan.cases
    backends: dict[tuple[str, str], str] = {}
    for run in study.runs:
        if run.environment is not None and run.environment.backend:
            case = cases[run.case]
            backends[case.workload, case.interpreter] = run.environment.backend
    for cell in cells:
        backend = backends.get((cell.workload, cell.interpreter))
        held = cell.metric == "speedup" and cell.family == "offgil" and cell.hi is not None and cell.hi < FLAT
        others = {value for (workload, _), value in backends.items() if workload == cell.workload} - {backend}
        if (
            held
            and backend
            and others
            and cell.threads == min(c.threads for c in cells if c.metric == "speedup")
        ):
            yield finding(
                "backend",
                f"{cell.workload} keeps the GIL on {cell.interpreter}, where it is done by the module {backend}; "
                f"elsewhere it is {' or '.join(sorted(others))}.",
                [cell],
            )


def _convoy(cells: Sequence[Cell]) -> Iterator[Finding]:
    latency = {_place(cell): cell for cell in cells if cell.metric == "latency_p50"}
    for workload in dict.fromkeys(cell.workload for cell in cells if cell.metric == "retained"):
        kept = [c for c in cells if c.workload == workload and c.metric == "retained" and c.threads == 1]
        collapsed = [cell for cell in kept if cell.hi is not None and cell.hi < COLLAPSE]
        unharmed = [cell for cell in kept if cell.lo is not None and cell.lo > 0.5]  # noqa: PLR2004 - half
        if collapsed:
            text = (
                f"One CPU-bound thread cuts {workload} to {spread(collapsed)} of its quiet throughput on "
                f"{names(collapsed)}"
            )
            waits = [latency[_place(cell)] for cell in collapsed if _place(cell) in latency]
            if waits:
                text += f" (median latency {spread(waits)})"
            yield finding("convoy", f"{text}: the serving thread queues for the GIL at each call.", collapsed)
        if unharmed:
            text = (
                f"Beside one CPU-bound thread {workload} keeps {spread(unharmed)} of it on {names(unharmed)}."
            )
            if any(cell.lo is not None and cell.lo > FLAT for cell in unharmed):
                text += " More than all of it: CPUs that compute need not be woken for a request."
            yield finding("convoy", text, unharmed)


def _signals(cells: Sequence[Cell]) -> Iterator[Finding]:
    delivered = [cell for cell in cells if cell.metric == "delivered" and cell.family == "signals"]
    latency = {_place(cell): cell for cell in cells if cell.metric == "latency_p50"}
    most = max((cell.threads for cell in delivered), default=0)
    for parameters in dict.fromkeys(cell.parameters for cell in delivered):
        group = [
            cell for cell in delivered if cell.parameters == parameters and cell.threads == most and most
        ]
        lost = [cell for cell in group if cell.hi is not None and cell.hi < SLOWER]
        late = [
            cell
            for cell in group
            if cell not in lost
            and (wait := latency.get(_place(cell)))
            and wait.lo is not None
            and wait.lo > LATE
        ]
        beside = f"With {most} busy thread{'s' * (most > 1)}" + "".join(
            f", {name} {value}" for name, value in parameters
        )
        if lost:
            waits = [latency[_place(cell)] for cell in lost]
            yield finding(
                "signals",
                f"{beside}, handlers ran for only {spread(lost)} of the signals on "
                f"{names(lost)}, after {spread(waits)} at the median.",
                lost,
            )
        if late:
            waits = [latency[_place(cell)] for cell in late]
            yield finding(
                "signals",
                f"{beside}, signals were handled late on {names(late)}: after {spread(waits)} at the median.",
                late,
            )


def _single_thread(study: Study, blocks: Blocks) -> Iterator[Finding]:
    reference = study.header.plan.reference
    cpu = {workload.name for workload in study.header.workloads if workload.family == "cpu"}
    logs: dict[str, list[list[float]]] = defaultdict(list)
    for case in blocks.cases():
        other = blocks.reference(case)
        if other is not None and case.workload in cpu and case.threads == 1 and not case.observers:
            logs[variant(case)].append(blocks.log_ratios(case, other, throughput))
    for name, series in logs.items():
        mean = geometric_mean(series).interval()
        if mean.lo is None or mean.hi is None:
            continue
        ends = f"{significant(mean.lo)} to {significant(mean.hi)}"
        if mean.lo <= 1 <= mean.hi:
            text = (
                f"On one thread {name} and {reference} run the cpu family equally fast, as far as {mean.blocks} blocks "
                f"can tell ({ends} times)."
            )
        else:
            text = (
                f"On one thread {name} runs the cpu family at {significant(mean.value)} times the speed of {reference} "
                f"(95 % interval {ends}, geometric mean of {len(series)})."
            )
        yield Finding(kind="single_thread", text=text)


def _effort(study: Study) -> Iterator[Finding]:
    """Where the time went, when it was given to what was undecided."""
    plan = study.header.plan
    if plan.budget is None:
        return
    seconds: dict[str, float] = defaultdict(float)
    blocks: dict[str, set[int]] = defaultdict(set)
    for run in study.runs:
        name = plan.cases[run.case].workload
        seconds[name] += sum(piece.end - piece.start for piece in run.slices)
        blocks[name].add(run.block)
    parts = [f"{name} {len(blocks[name])} blocks ({taken:.0f} s)" for name, taken in seconds.items()]
    yield Finding(
        kind="effort", text=f"Of the budget of {plan.budget:.0f} s, slices took: {', '.join(parts)}."
    )


def _place(cell: Cell) -> tuple[object, ...]:
    return (
        cell.workload,
        cell.interpreter,
        cell.threads,
        cell.parameters,
        cell.gil,
        cell.switch_interval,
        cell.cpus,
    )
