"""All figures of a study, flat: one cell for each case and metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import msgspec

from gilbench.analyse.blocks import (
    Blocks,
    background_throughput,
    block_logs,
    cpu_utilisation,
    throughput,
)
from gilbench.analyse.estimates import Interval, mean_interval, ratio_interval
from gilbench.analyse.fractions import fraction_interval
from gilbench.analyse.quantiles import pool, quantile_interval
from gilbench.analyse.samples import QUANTILES, base_case, counts_operations, latencies, served_of_offered
from gilbench.analyse.scaling import FEWEST_COUNTS, fairness, fit_laws, start_skew
from gilbench.metrics import METRICS
from gilbench.model import Case, Cell, Reading, Run, Slice, Workload

_ALIKE = frozenset(
    {"parallel", "processes", "subinterpreters", "cooperative"}
)  # N of something repeat one operation


def all_cells(blocks: Blocks, workloads: dict[str, Workload]) -> Iterator[Cell]:
    """Work out every figure of every case that was run."""
    for case in blocks.cases():
        workload = workloads[case.workload]
        for metric, interval, samples in _figures(blocks, case, workload):
            if math.isnan(interval.value):
                continue
            yield Cell(
                family=workload.family,
                metric=metric,
                unit=METRICS[metric].unit,
                better=METRICS[metric].better,
                value=float(interval.value),
                lo=None if interval.lo is None else float(interval.lo),
                hi=None if interval.hi is None else float(interval.hi),
                blocks=interval.blocks,
                samples=samples,
                workload=case.workload,
                interpreter=case.interpreter,
                threads=case.threads,
                parameters=case.parameters,
                gil=case.gil,
                switch_interval=case.switch_interval,
                cpus=case.cpus,
                observers=case.observers,
            )


def _figures(blocks: Blocks, case: Case, workload: Workload) -> Iterator[tuple[str, Interval, int | None]]:
    runs = blocks.runs(case)
    counted = counts_operations(workload)
    if counted:
        yield "throughput", ratio_interval(block_logs(runs, throughput)), None
    if case.observers:
        alone = blocks.sibling(case, observers=())
        if alone and counted:
            slowdown = blocks.log_ratios(case, alone, throughput)
            yield "observer_cost", ratio_interval([-value for value in slowdown]), None
        yield from _readings(list(runs.values()), case.observers)
        if workload.driver in _ALIKE:
            calls = _rates_per_operation(list(runs.values()), ("system_calls",))
            yield "system_calls_per_operation", mean_interval(calls), None
        return
    if counted:
        yield from _ratios(blocks, case, workload)
    if workload.driver in _ALIKE:
        yield from _sharing(blocks, case)
        yield from _per_operation(list(runs.values()))
    yield from _scheduled(list(runs.values()))
    if (
        workload.quiet_case
        and case.threads
        and any(piece.threads for run in runs.values() for piece in run.slices)
    ):
        yield "background_throughput", ratio_interval(block_logs(runs, background_throughput)), None
    utilisation = [_mean(cpu_utilisation, run.slices) for run in runs.values()]
    yield "cpu_utilisation", mean_interval(utilisation), None
    yield from _readings(list(runs.values()), ("cpu",))


def _sharing(blocks: Blocks, case: Case) -> Iterator[tuple[str, Interval, int | None]]:
    """How the threads of a case share the work, and what the thread counts up to this one say together."""
    if case.threads == 1:
        return
    runs = blocks.runs(case)
    yield "fairness", _bounded(mean_interval([_mean(fairness, run.slices) for run in runs.values()])), None
    yield "start_skew", ratio_interval(block_logs(runs, start_skew)), None
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
        fit_laws({count: math.exp(logs[key]) for count, logs in by_count.items()}, len(blocks.plan.cpus))
        for key in common
    ]
    for name, values in zip(("serial_part", "contention", "coherence"), zip(*fits, strict=True), strict=True):
        interval = mean_interval(values)
        yield name, _bounded(interval) if name == "serial_part" else interval, None


def _bounded(interval: Interval) -> Interval:
    """An interval of what lies between 0 and 1 by its nature; t over blocks does not know."""
    if interval.lo is None or interval.hi is None:
        return interval
    return Interval(interval.value, max(0.0, interval.lo), min(1.0, interval.hi), interval.blocks)


def _same_but_threads(case: Case, other: Case) -> bool:
    return msgspec.structs.replace(other, threads=case.threads) == case


def _per_operation(runs: Sequence[Run]) -> Iterator[tuple[str, Interval, int | None]]:
    """CPU time and context switches of an operation, over all that was done from first start to last finish."""
    cpu = [
        math.log(sum(piece.cpu or 0.0 for piece in run.slices) / done)
        for run in runs
        if (done := _operations(run)) and all(piece.cpu is not None for piece in run.slices)
    ]
    switches = _rates_per_operation(runs, ("voluntary_switches", "involuntary_switches"))
    yield "cpu_per_operation", ratio_interval(cpu), None
    yield "switches_per_operation", mean_interval(switches), None


def _rates_per_operation(runs: Sequence[Run], names: Sequence[str]) -> list[float]:
    """For each run, the sum of some figures that are rates, divided by the rate of operations."""
    values = []
    for run in runs:
        busy = sum(piece.end - piece.start for piece in run.slices)
        figures = {name: value for reading in run.readings for name, value in reading.figures.items()}
        if _operations(run) and all(name in figures for name in names):
            values.append(sum(figures[name] for name in names) * busy / _operations(run))
    return values


def _operations(run: Run) -> int:
    return sum(thread.total for piece in run.slices for thread in piece.threads)


def _mean(figure: Callable[[Slice], float], pieces: Sequence[Slice]) -> float:
    return sum(map(figure, pieces)) / len(pieces)


def _ratios(blocks: Blocks, case: Case, workload: Workload) -> Iterator[tuple[str, Interval, int | None]]:
    base = base_case(blocks, case, workload)
    if base is not None:
        metric, alone = base
        logs = blocks.log_ratios(case, alone, throughput)
        yield metric, ratio_interval(logs), None
        if metric == "speedup":
            yield "efficiency", ratio_interval([log - math.log(case.threads) for log in logs]), None
    reference = blocks.reference(case)
    if reference:
        yield "relative", ratio_interval(blocks.log_ratios(case, reference, throughput)), None


def _scheduled(runs: Sequence[Run]) -> Iterator[tuple[str, Interval, int | None]]:
    """Latency and delivery, where requests or signals came on schedule."""
    sent = [run for run in runs if any(piece.offered for piece in run.slices)]
    if not sent:
        return
    seen = [latencies(run) for run in sent]
    samples = sum(one.total for one in seen)
    for metric, share in QUANTILES.items():
        # Of p99, which everybody asks for, the interval says what it is worth; beyond it a sample must lie there.
        if share <= QUANTILES["latency_p99"] or samples * (1 - share) >= 1:
            yield metric, quantile_interval(seen, share), samples
    # The largest that was seen is no estimate of the largest there can be: it has no interval.
    yield "latency_max", Interval(pool(seen).quantile(1.0), None, None, len(seen)), samples
    counts = [served_of_offered(run) for run in sent]
    delivered = fraction_interval([served for served, _ in counts], [offered for _, offered in counts])
    yield "delivered", delivered, samples


def _readings(runs: Sequence[Run], observers: Sequence[str]) -> Iterator[tuple[str, Interval, int | None]]:
    readings: list[Reading] = [
        reading for run in runs for reading in run.readings if reading.observer in observers
    ]
    names = dict.fromkeys(name for reading in readings for name in reading.figures)
    for name in names:
        values = [reading.figures[name] for reading in readings if name in reading.figures]
        samples = [reading.samples for reading in readings if reading.samples]
        yield name, mean_interval(values), sum(samples) if samples else None
