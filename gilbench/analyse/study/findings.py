"""Findings of a study: short sentences, each with the cells that it is based on.

A sentence is written only if the interval allows no other reading.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from gilbench.analyse.study.command_findings import command_findings
from gilbench.analyse.study.host_speedup import host_speedup, one_core, scaled_limit
from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.published import COLLAPSE, FLAT, LATE, SCALES, SLOWER, has_gil, published
from gilbench.analyse.study.sentences import finding, names, spread
from gilbench.analyse.study.single_thread import single_thread
from gilbench.analyse.study.sweeps import sweeps
from gilbench.model.results import Cell, Finding
from gilbench.model.study import Case, Family, Interpreter, Study, Workload

_UNHARMED = 0.5
_USE_PROCESSES = "Run CPU-bound work in other processes, or on a free-threaded build."
_NEXT: dict[Family, str] = {
    "cpu": _USE_PROCESSES,
    "shared": "Give each thread its own object and merge the results at the end.",
}


def findings(study: Study, blocks: Blocks, cells: Sequence[Cell]) -> tuple[Finding, ...]:
    """Collect the findings of a study."""
    plain = [cell for cell in cells if not cell.case.observers]
    interpreters = {interpreter.name: interpreter for interpreter in study.header.interpreters}
    workloads = {workload.name: workload for workload in study.header.workloads}
    return (
        *_scaling(plain, interpreters, blocks),
        *_keeping_modules(study, plain, blocks),
        *_convoy(plain, workloads),
        *_signals(plain, workloads),
        *published(plain, list(sweeps(plain, workloads)), interpreters, workloads),
        *single_thread(study, plain),
        *command_findings(plain, workloads, blocks),
        *_effort(study),
    )


def _scaling(
    cells: Sequence[Cell], interpreters: Mapping[str, Interpreter], blocks: Blocks
) -> Iterator[Finding]:
    """Speedups at the fewest threads: two say whether there is a lock, more may only say how few CPUs there are.

    Limits are relative to what the host gives. If its CPUs are hardly more than one core, there is nothing to say.
    """
    speedups = [cell for cell in cells if cell.metric == "speedup"]
    blind: list[Cell] = []
    for workload in dict.fromkeys(cell.case.workload for cell in speedups):
        mine = [cell for cell in speedups if cell.case.workload == workload]
        threads = min(cell.case.threads for cell in mine)
        group = [cell for cell in mine if cell.case.threads == threads]
        gains = {cell.case: _gain(cell.case, blocks) for cell in group}
        blind += [cell for cell in group if one_core(gains[cell.case])]
        group = [cell for cell in group if not one_core(gains[cell.case])]
        slower = [cell for cell in group if cell.hi is not None and cell.hi < SLOWER]
        flat = [
            cell
            for cell in group
            if cell not in slower and cell.hi is not None and cell.hi < scaled_limit(FLAT, gains[cell.case])
        ]
        scaling = [
            cell for cell in group if cell.lo is not None and cell.lo > scaled_limit(SCALES, gains[cell.case])
        ]
        parts = [
            *([f"{spread(scaling)} on {names(scaling)}"] if scaling else ()),
            *([f"no speedup on {names(flat)} ({spread(flat)})"] if flat else ()),
            *([f"slower on {names(slower)} ({spread(slower)})"] if slower else ()),
        ]
        if parts:
            text = f"{workload}, {threads} threads vs 1: {'; '.join(parts)}."
            family = group[0].family
            if family == "offgil" and any(has_gil(cell.case, interpreters) for cell in scaling):
                text += " The work runs without the GIL."
            step = _NEXT.get(family) if slower or (flat and family == "cpu") else None
            yield finding("scaling", text, [*scaling, *flat, *slower], step)
    if blind:
        text = f"Speedups say nothing about the interpreters here: {one_core(_gain(blind[0].case, blocks))}."
        yield finding("scaling", text, blind, "Measure on two or more cores.")


def _gain(case: Case, blocks: Blocks) -> float | None:
    """Return what the host gives to the threads of a case; None: unknown, or not wanted on one CPU."""
    return None if case.cpus == 1 else host_speedup(blocks.runs(case).values())


def _keeping_modules(study: Study, cells: Sequence[Cell], blocks: Blocks) -> Iterator[Finding]:
    """Work that is expected to release the GIL and does not, because another module implements it."""
    cases = study.header.plan.cases
    backends: dict[str, dict[str, str]] = defaultdict(dict)  # by workload and interpreter
    for run in study.runs:
        if run.environment is not None and run.environment.backend:
            case = cases[run.case]
            backends[case.workload][case.interpreter] = run.environment.backend
    speedups = [cell for cell in cells if cell.metric == "speedup"]
    fewest: dict[str, int] = {}
    for cell in speedups:
        fewest[cell.case.workload] = min(cell.case.threads, fewest.get(cell.case.workload, cell.case.threads))
    for cell in speedups:
        workload, interpreter = cell.case.workload, cell.case.interpreter
        backend = backends[workload].get(interpreter)
        others = sorted(set(backends[workload].values()) - {backend})
        gain = _gain(cell.case, blocks)
        limit = 0.0 if one_core(gain) else scaled_limit(FLAT, gain)
        holds = cell.family == "offgil" and cell.hi is not None and cell.hi < limit
        if holds and backend and others and cell.case.threads == fewest[workload]:
            elsewhere = " or ".join(others)
            yield finding(
                "backend",
                f"{workload} holds the GIL on {interpreter}, where module {backend} implements it; "
                f"elsewhere {elsewhere} does.",
                [cell],
                f"Use a build of {interpreter} that has {elsewhere}.",
            )


def _convoy(cells: Sequence[Cell], workloads: Mapping[str, Workload]) -> Iterator[Finding]:
    """What one added thread leaves of a throughput."""
    latency = {cell.case: cell for cell in cells if cell.metric == "latency_p50"}
    served = {cell.case: cell for cell in cells if cell.metric == "served_rate"}
    kept = [cell for cell in cells if cell.metric == "retained" and cell.case.threads == 1]
    for name in dict.fromkeys(cell.case.workload for cell in kept):
        mine = [cell for cell in kept if cell.case.workload == name]
        collapsed = [cell for cell in mine if cell.hi is not None and cell.hi < COLLAPSE]
        unharmed = [cell for cell in mine if cell.lo is not None and cell.lo > _UNHARMED]
        if collapsed:
            waits = [latency[cell.case] for cell in collapsed if cell.case in latency]
            beyond = [served[cell.case] for cell in collapsed if cell.case in served]
            text = (
                f"With {_added(collapsed[0].case, workloads)}, {name} drops to {spread(collapsed)} of its unloaded "
                f"throughput on {names(collapsed)}"
            )
            text += f" (median latency {spread(waits)})" if waits else ""
            text += f" (overloaded on {names(beyond)}: {spread(beyond)} served)" if beyond else ""
            waiting = ": it waits for the GIL after each system call" if workloads[name].peer else ""
            yield finding("convoy", f"{text}{waiting}.", collapsed, _USE_PROCESSES)
        if unharmed:
            text = (
                f"With {_added(unharmed[0].case, workloads)}, {name} keeps {spread(unharmed)} of its unloaded "
                f"throughput on {names(unharmed)}."
            )
            if any(cell.lo is not None and cell.lo > FLAT for cell in unharmed):
                text += " It exceeds 100% because busy CPUs need no wake-up for a request."
            yield finding("convoy", text, unharmed)


def _added(case: Case, workloads: Mapping[str, Workload]) -> str:
    """Name the threads that are added to a workload: ``one CPU-bound thread``, ``2 null_write threads``."""
    parameters = {**workloads[case.workload].parameters, **dict(case.parameters)}
    work = parameters.get("background", "countdown")
    kind = "CPU-bound" if work == "countdown" else work
    return f"one {kind} thread" if case.threads == 1 else f"{case.threads} {kind} threads"


def _signals(cells: Sequence[Cell], workloads: Mapping[str, Workload]) -> Iterator[Finding]:
    """Signals that were lost or late, at the most threads."""
    delivered = [cell for cell in cells if cell.metric == "delivered" and cell.family == "signals"]
    latency = {cell.case: cell for cell in cells if cell.metric == "latency_p50"}
    most = max((cell.case.threads for cell in delivered), default=0)
    loaded = [cell for cell in delivered if cell.case.threads == most and most]
    for workload, parameters in dict.fromkeys((cell.case.workload, cell.case.parameters) for cell in loaded):
        group = [
            cell for cell in loaded if (cell.case.workload, cell.case.parameters) == (workload, parameters)
        ]
        settings = [f"{name}={value}" for name, value in parameters if name != "background"]
        subject = f"{' '.join([workload, *settings])}, {_added(group[0].case, workloads)}"
        lost = [cell for cell in group if cell.hi is not None and cell.hi < SLOWER]
        late = [cell for cell in group if cell not in lost and _is_late(latency.get(cell.case))]
        if lost:
            text = f"{subject}: only {spread(lost)} of signals were handled on {names(lost)}"
            delay = _delay([latency[cell.case] for cell in lost])
            yield finding("signals", f"{text}; {delay}.", lost, _USE_PROCESSES)
        if late:
            delay = _delay([latency[cell.case] for cell in late])
            text = f"{subject}: signals were handled late on {names(late)}; {delay}."
            yield finding("signals", text, late, _USE_PROCESSES)


def _is_late(wait: Cell | None) -> bool:
    return wait is not None and wait.lo is not None and wait.lo > LATE


def _delay(waits: Sequence[Cell]) -> str:
    if all(math.isinf(cell.value) for cell in waits):
        return "half or more were never handled"
    return f"median delay {spread(waits)}"


def _effort(study: Study) -> Iterator[Finding]:
    """How a budget was spent: workloads that stay inconclusive get more blocks."""
    plan = study.header.plan
    if plan.budget is None:
        return
    seconds: dict[str, float] = defaultdict(float)
    blocks: dict[str, set[int]] = defaultdict(set)
    for run in study.runs:
        name = plan.cases[run.case].workload
        seconds[name] += sum(slice_.end - slice_.start for slice_ in run.slices)
        blocks[name].add(run.block)
    parts = [f"{name} {taken:.0f} s ({len(blocks[name])} blocks)" for name, taken in seconds.items()]
    yield Finding(kind="effort", text=f"Time in slices, of a {plan.budget:.0f} s budget: {', '.join(parts)}.")
