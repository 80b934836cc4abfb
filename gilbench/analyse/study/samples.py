"""Chooses the values per block and the estimator by which each metric is compared.

Means are compared by log-ratios within blocks, percentiles by the percentiles of each block, and fractions by their
counts. Two cases in the same blocks give a paired estimate; cases of different studies give unpaired ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from gilbench.analyse.stats.estimates import Estimate, mean_estimate
from gilbench.analyse.stats.fractions import fraction_ratio
from gilbench.analyse.stats.quantiles import Latencies, quantile_log_ratios
from gilbench.analyse.study.index import Blocks, background_throughput, block_logs, log, throughput
from gilbench.analyse.study.open_loop import open_loop, served_of_offered
from gilbench.model.study import Case, Run, Slice, Workload

QUANTILES = {"latency_p50": 0.50, "latency_p90": 0.90, "latency_p99": 0.99, "latency_p99_9": 0.999}
PER_RUN: dict[str, Callable[[Slice], float]] = {
    "wall_time": lambda slice_: slice_.window,
    "cpu_time": lambda slice_: math.nan if slice_.cpu is None else slice_.cpu,
    "memory_peak": lambda slice_: math.nan if slice_.memory is None else float(slice_.memory),
}
"""Values of one run of a command, all positive; NaN: unknown."""
COMPARED = ("latency_p50", "latency_p99")  # the other percentiles add little information


class Pair(NamedTuple):
    """One metric of a case and of its reference, over the blocks with both."""

    metric: str
    logs: tuple[float, ...]  # one log-ratio per block, in the order of time
    counts: tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]] | None = None  # served, offered

    def estimate(self, correlation: float = 0.0) -> Estimate:
        """Estimate the ratio."""
        if self.counts is not None:
            return fraction_ratio(*self.counts, correlation=correlation)
        return mean_estimate(self.logs, correlation=correlation)


def pairs(blocks: Blocks, case: Case, reference: Case, workload: Workload) -> Iterator[Pair]:
    """Yield all metrics in which two cases of the same study can be compared."""
    if case.observers:
        yield from _held(blocks, case, reference)
        return
    if workload.driver == "command":
        for metric, value in PER_RUN.items():
            logs = tuple(blocks.log_ratios(case, reference, value))
            if all(map(math.isfinite, logs)):
                yield Pair(metric, logs)
        yield from _relative_to_base(blocks, case, reference, workload)
        return
    if counts_operations(workload):
        yield Pair("throughput", tuple(blocks.throughput_log_ratios(case, reference).values()))
        yield from _relative_to_base(blocks, case, reference, workload)
    if comes_on_schedule(blocks, case) and comes_on_schedule(blocks, reference):
        yield from _scheduled(blocks, case, reference, workload)
    if workload.quiet_case and case.threads and _has_background(blocks, case):
        yield Pair("background_throughput", tuple(blocks.log_ratios(case, reference, background_throughput)))


def absolute(blocks: Blocks, case: Case, workload: Workload) -> Iterator[tuple[str, Estimate]]:
    """Yield all metrics of one case as logs, for studies that share no block."""
    runs = blocks.runs(case)
    if workload.driver == "command":
        for metric, value in PER_RUN.items():
            logs = block_logs(runs, value)
            if all(map(math.isfinite, logs)):
                yield metric, mean_estimate(logs)
        return
    if counts_operations(workload):
        yield "throughput", mean_estimate(block_logs(runs, throughput))
    if not comes_on_schedule(blocks, case):
        return
    found = open_loop(blocks, case, workload)
    if found is not None and found.overloaded:
        yield "delivered", mean_estimate([log(share) for share in found.shares.values()])
        return
    for metric in COMPARED:
        quantiles = [latencies(run).quantile(QUANTILES[metric]) for run in runs.values()]
        yield metric, mean_estimate([log(quantile) for quantile in quantiles])
    served = [served_of_offered(run) for run in runs.values()]
    yield (
        "delivered",
        mean_estimate([math.log((hits + 0.5) / (trials + 1)) for hits, trials in served if trials]),
    )


def counts_operations(workload: Workload) -> bool:
    """Return whether a workload has a throughput. Scheduled workloads have only latencies."""
    return workload.driver != "signals" and not workload.scheduled


def comes_on_schedule(blocks: Blocks, case: Case) -> bool:
    """Return whether requests or signals of a case were sent on schedule."""
    return any(slice_.offered for run in blocks.runs(case).values() for slice_ in run.slices)


def base_case(blocks: Blocks, case: Case, workload: Workload) -> tuple[str, Case] | None:
    """Return the case that a case is scaled by, and the metric: speedup over 1 thread, or vs unloaded."""
    metric, threads = ("retained", 0) if workload.quiet_case else ("speedup", 1)
    base = blocks.sibling(case, threads=threads)
    return (metric, base) if base is not None and case.threads > threads else None


def latencies(run: Run) -> Latencies:
    """Return the latencies of a run; requests without an answer are lost."""
    seen = [value for slice_ in run.slices for value in slice_.latencies]
    return Latencies(seen, sum(slice_.offered or 0 for slice_ in run.slices) - len(seen))


def _relative_to_base(blocks: Blocks, case: Case, reference: Case, workload: Workload) -> Iterator[Pair]:
    """Yield the ratio of the speedups (or of throughput vs unloaded) of two cases: four runs of each block."""
    ours, theirs = base_case(blocks, case, workload), base_case(blocks, reference, workload)
    if ours is None or theirs is None:
        return
    top = dict(blocks.keyed_log_ratios(case, ours[1], throughput))
    bottom = dict(blocks.keyed_log_ratios(reference, theirs[1], throughput))
    yield Pair(ours[0], tuple(top[key] - bottom[key] for key in top if key in bottom))


def _scheduled(blocks: Blocks, case: Case, reference: Case, workload: Workload) -> Iterator[Pair]:
    loops = open_loop(blocks, case, workload), open_loop(blocks, reference, workload)
    if loops[0] and loops[1] and (loops[0].overloaded or loops[1].overloaded):
        # Latencies of an overloaded case compare with nothing. What the two serve per second does.
        top, bottom = loops[0].shares, loops[1].shares
        yield Pair("delivered", tuple(log(top[key]) - log(bottom[key]) for key in top if key in bottom))
        return
    ours, theirs = blocks.runs(case), blocks.runs(reference)
    common = [(ours[key], theirs[key]) for key in ours if key in theirs]
    sides = [latencies(ours) for ours, _ in common], [latencies(theirs) for _, theirs in common]
    for metric in COMPARED:
        yield Pair(metric, tuple(quantile_log_ratios(*sides, QUANTILES[metric])))
    counts = [served_of_offered(run) for run, _ in common], [served_of_offered(run) for _, run in common]
    arms = [([hits for hits, _ in side], [trials for _, trials in side]) for side in counts]
    if all(sum(trials) for _, trials in arms):
        logs = tuple(
            math.log((one + 0.5) / (of + 1)) - math.log((other + 0.5) / (out_of + 1))
            for (one, of), (other, out_of) in zip(*counts, strict=True)
        )
        yield Pair("delivered", logs, (arms[0], arms[1]))


def _held(blocks: Blocks, case: Case, reference: Case) -> Iterator[Pair]:
    ours, theirs = blocks.runs(case), blocks.runs(reference)
    shares = [
        (_figure(ours[key], "gil_held"), _figure(theirs[key], "gil_held")) for key in ours if key in theirs
    ]
    known = [(one, other) for one, other in shares if one is not None and other is not None]
    if known and len(known) == len(shares):
        yield Pair("gil_held", tuple(log(one) - log(other) for one, other in known))


def _has_background(blocks: Blocks, case: Case) -> bool:
    return any(slice_.threads for run in blocks.runs(case).values() for slice_ in run.slices)


def _figure(run: Run, metric: str) -> float | None:
    return next((reading.figures[metric] for reading in run.readings if metric in reading.figures), None)


def log_series(found: Sequence[Pair]) -> list[tuple[float, ...]]:
    """Return the series of log-ratios over blocks that show the drift between blocks."""
    return [pair.logs for pair in found if len(pair.logs) > 1 and all(map(math.isfinite, pair.logs))]
