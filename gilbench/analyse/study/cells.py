"""Computes all cells of a study: one for each case and metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from gilbench.analyse.stats.estimates import Interval, mean_interval, ratio_interval
from gilbench.analyse.stats.fractions import fraction_interval
from gilbench.analyse.stats.quantiles import pool, quantile_interval
from gilbench.analyse.stats.scaling import FEWEST_COUNTS, fairness, fit_laws, start_skew
from gilbench.analyse.study.index import (
    Blocks,
    CaseRuns,
    background_throughput,
    block_logs,
    cpu_utilisation,
    throughput,
)
from gilbench.analyse.study.looks import case_confidence
from gilbench.analyse.study.open_loop import OpenLoop, open_loop, served_of_offered
from gilbench.analyse.study.samples import (
    PER_RUN,
    QUANTILES,
    base_case,
    counts_operations,
    latencies,
)
from gilbench.model.metrics import METRICS
from gilbench.model.results import Cell
from gilbench.model.study import Case, Reading, Run, Slice, Workload

_ALIKE = frozenset(
    {"parallel", "processes", "subinterpreters", "cooperative"}
)  # N of something repeat one operation


class CaseFigure(NamedTuple):
    """One metric of one case."""

    case: Case
    metric: str
    interval: Interval
    samples: int | None


def all_cells(blocks: Blocks, workloads: dict[str, Workload], cores: int) -> Iterator[Cell]:
    """Yield every metric of every case with runs.

    Args:
        blocks: The runs.
        workloads: Declarations by name.
        cores: Cores of the host.
    """
    for figure in all_figures(blocks, workloads, cores):
        yield cell_of(figure, workloads)


def all_figures(blocks: Blocks, workloads: dict[str, Workload], cores: int) -> Iterator[CaseFigure]:
    """Yield every metric of every case with runs; arguments as in ``all_cells``."""
    for case in blocks.cases():
        for metric, interval, samples in _figures(blocks, case, workloads[case.workload], cores):
            if not math.isnan(interval.value):
                yield CaseFigure(case, metric, interval, samples)


def cell_of(figure: CaseFigure, workloads: dict[str, Workload]) -> Cell:
    """Return the cell of a figure."""
    case, metric, interval, samples = figure
    return Cell(
        case=case,
        family=workloads[case.workload].family,
        metric=metric,
        unit=METRICS[metric].unit,
        better=METRICS[metric].better,
        value=float(interval.value),
        lo=None if interval.lo is None else float(interval.lo),
        hi=None if interval.hi is None else float(interval.hi),
        blocks=interval.blocks,
        samples=samples,
    )


def _figures(
    blocks: Blocks, case: Case, workload: Workload, cores: int
) -> Iterator[tuple[str, Interval, int | None]]:
    runs, level = blocks.runs(case), case_confidence(blocks, case)
    if workload.driver == "command":
        yield from _of_command(runs, level)
        yield from _ratios(blocks, case, workload, level)
        return
    counted = counts_operations(workload)
    if counted:
        logs = block_logs(runs, throughput)
        yield "throughput", ratio_interval(logs, level), None
        if workload.family == "own" and case.threads == 1 and not case.observers:
            yield "time_per_operation", ratio_interval([-log for log in logs], level), None
    if case.observers:
        alone = blocks.sibling(case, observers=())
        if alone and counted:
            slowdown = blocks.log_ratios(case, alone, throughput)
            yield "observer_cost", ratio_interval([-value for value in slowdown], level), None
        yield from _readings(list(runs.values()), case.observers, level)
        if workload.driver in _ALIKE:
            calls = _rates_per_operation(list(runs.values()), ("system_calls",))
            yield "system_calls_per_operation", mean_interval(calls, level), None
        return
    if counted:
        yield from _ratios(blocks, case, workload, level)
    if workload.driver in _ALIKE:
        yield from _sharing(blocks, case, level, cores)
        yield from _per_operation(list(runs.values()), level)
    yield from _scheduled(blocks, case, workload, level)
    if (
        workload.quiet_case
        and case.threads
        and any(slice_.threads for run in runs.values() for slice_ in run.slices)
    ):
        yield "background_throughput", ratio_interval(block_logs(runs, background_throughput), level), None
    utilisation = [_mean(cpu_utilisation, run.slices) for run in runs.values()]
    yield "cpu_utilisation", mean_interval(utilisation, level), None
    yield from _readings(list(runs.values()), ("cpu",), level)


def _in_kernel(slice_: Slice) -> float:
    return math.nan if slice_.system is None else slice_.system


def _in_program(slice_: Slice) -> float:
    return math.nan if slice_.cpu is None else slice_.cpu - _in_kernel(slice_)


def _of_command(runs: CaseRuns, level: float) -> Iterator[tuple[str, Interval, int | None]]:
    """Yield the times and the memory of one run of a command."""
    samples = sum(len(run.slices) for run in runs.values())
    for metric, value in PER_RUN.items():
        yield metric, ratio_interval(block_logs(runs, value), level), samples
    kernel = [_mean(_in_kernel, run.slices) for run in runs.values()]
    program = [_mean(_in_program, run.slices) for run in runs.values()]
    yield "user_time", mean_interval(program, level), samples
    yield "system_time", mean_interval(kernel, level), samples
    gil = [run.environment.gil_enabled for run in runs.values() if run.environment is not None]
    known = [float(enabled) for enabled in gil if enabled is not None]
    if known:
        yield "gil_enabled", Interval(sum(known) / len(known), None, None, len(known)), None


def _sharing(
    blocks: Blocks, case: Case, level: float, cores: int
) -> Iterator[tuple[str, Interval, int | None]]:
    """Yield how evenly the threads share the work, and for the largest thread count, the scaling models."""
    if case.threads == 1:
        return
    runs = blocks.runs(case)
    shares = [_mean(fairness, run.slices) for run in runs.values()]
    yield "fairness", _bounded(mean_interval(shares, level)), None
    yield "start_skew", ratio_interval(block_logs(runs, start_skew), level), None
    counts = sorted(other.threads for other in blocks.cases() if _same_but_threads(case, other))
    if len(counts) < FEWEST_COUNTS or case.threads != counts[-1] or counts[0] != 1:
        return
    by_count = {
        count: dict(blocks.keyed_log_ratios(other, single, throughput))
        for count in counts[1:]
        if (other := blocks.sibling(case, threads=count)) and (single := blocks.sibling(case, threads=1))
    }
    common = [key for key in by_count[counts[-1]] if all(key in logs for logs in by_count.values())]
    fits = [
        fit_laws({count: math.exp(logs[key]) for count, logs in by_count.items()}, cores) for key in common
    ]
    for number, name in enumerate(("serial_part", "contention", "coherence")):
        interval = mean_interval([fit[number] for fit in fits], level)  # maybe of no block
        yield name, _bounded(interval) if name == "serial_part" else interval, None


def _bounded(interval: Interval) -> Interval:
    """Limit the interval of a fraction to 0 and 1, which Student's t can exceed."""
    if interval.lo is None or interval.hi is None:
        return interval
    return msgspec.structs.replace(interval, lo=max(0.0, interval.lo), hi=min(1.0, interval.hi))


def _same_but_threads(case: Case, other: Case) -> bool:
    return msgspec.structs.replace(other, threads=case.threads) == case


def _per_operation(runs: Sequence[Run], level: float) -> Iterator[tuple[str, Interval, int | None]]:
    """Yield CPU time and context switches per operation, over all operations of the threads."""
    cpu = [
        math.log(sum(slice_.cpu or 0.0 for slice_ in run.slices) / done)
        for run in runs
        if (done := _operations(run)) and all(slice_.cpu is not None for slice_ in run.slices)
    ]
    switches = _rates_per_operation(runs, ("voluntary_switches", "involuntary_switches"))
    yield "cpu_per_operation", ratio_interval(cpu, level), None
    yield "switches_per_operation", mean_interval(switches, level), None


def _rates_per_operation(runs: Sequence[Run], names: Sequence[str]) -> list[float]:
    """Return for each run the sum of some rates, divided by the rate of operations."""
    values = []
    for run in runs:
        busy = sum(slice_.end - slice_.start for slice_ in run.slices)
        figures = {name: value for reading in run.readings for name, value in reading.figures.items()}
        if _operations(run) and all(name in figures for name in names):
            values.append(sum(figures[name] for name in names) * busy / _operations(run))
    return values


def _operations(run: Run) -> int:
    return sum(thread.total for slice_ in run.slices for thread in slice_.threads)


def _mean(figure: Callable[[Slice], float], slices: Sequence[Slice]) -> float:
    return sum(map(figure, slices)) / len(slices)


def _ratios(
    blocks: Blocks, case: Case, workload: Workload, level: float
) -> Iterator[tuple[str, Interval, int | None]]:
    base = base_case(blocks, case, workload)
    if base is not None:
        metric, alone = base
        logs = blocks.log_ratios(case, alone, throughput)
        yield metric, ratio_interval(logs, level), None
        if metric == "speedup":
            yield "efficiency", ratio_interval([log - math.log(case.threads) for log in logs], level), None
    reference = blocks.reference(case)
    if reference:
        logs = list(blocks.throughput_log_ratios(case, reference).values())
        yield "relative", ratio_interval(logs, level), None


def _scheduled(
    blocks: Blocks, case: Case, workload: Workload, level: float
) -> Iterator[tuple[str, Interval, int | None]]:
    """Yield latencies and the handled fraction of requests or signals sent on schedule."""
    sent = [run for run in blocks.runs(case).values() if any(slice_.offered for slice_ in run.slices)]
    if not sent:
        return
    found = open_loop(blocks, case, workload)
    if found is not None and found.overloaded:
        yield from _overloaded(found, sum(served_of_offered(run)[1] for run in sent), level)
        return
    seen = [latencies(run) for run in sent]
    samples = sum(one.total for one in seen)
    for metric, share in QUANTILES.items():
        # p99 is always shown, since its interval shows its precision. Higher percentiles need enough samples.
        if share <= QUANTILES["latency_p99"] or samples * (1 - share) >= 1:
            yield metric, quantile_interval(seen, share, level), samples
    # The observed maximum does not estimate the possible maximum, so it has no interval.
    yield "latency_max", Interval(pool(seen).quantile(1.0), None, None, len(seen)), samples
    counts = [served_of_offered(run) for run in sent]
    delivered = fraction_interval([served for served, _ in counts], [offered for _, offered in counts], level)
    yield "delivered", delivered, samples


def _overloaded(found: OpenLoop, samples: int, level: float) -> Iterator[tuple[str, Interval, int | None]]:
    """Yield what is served and offered per second; percentiles would measure the length of the schedule."""
    shares = list(found.shares.values())
    yield "delivered", _bounded(mean_interval(shares, level)), samples
    yield "served_rate", mean_interval([found.offered * share for share in shares], level), samples
    yield "offered_rate", Interval(found.offered, None, None, len(shares)), None


def _readings(
    runs: Sequence[Run], observers: Sequence[str], level: float
) -> Iterator[tuple[str, Interval, int | None]]:
    readings: list[Reading] = [
        reading for run in runs for reading in run.readings if reading.observer in observers
    ]
    names = dict.fromkeys(name for reading in readings for name in reading.figures)
    for name in names:
        values = [reading.figures[name] for reading in readings if name in reading.figures]
        samples = [reading.samples for reading in readings if reading.samples]
        yield name, mean_interval(values, level), sum(samples) if samples else None
