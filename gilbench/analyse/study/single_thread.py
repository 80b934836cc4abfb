"""The finding about single-threaded speed: the geometric mean over the workloads of the cpu family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gilbench.analyse.stats.estimates import Estimate
from gilbench.analyse.stats.geomean import geometric_mean
from gilbench.analyse.stats.hosts import over_hosts
from gilbench.analyse.study.hosts import by_key, host_parts
from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.looks import case_confidence
from gilbench.model.metrics import significant, undetermined
from gilbench.model.results import Cell, Finding
from gilbench.model.study import Study
from gilbench.plan.axes import variant


class _Speed(NamedTuple):
    """The speed of one interpreter relative to the reference."""

    name: str
    workloads: tuple[str, ...]
    estimate: Estimate
    level: float  # confidence level of one look


def single_thread(study: Study, cells: Sequence[Cell]) -> Iterator[Finding]:
    """Compare each interpreter with the reference, on one thread; of a fleet, over its hosts."""
    reference = study.header.plan.reference
    parts = host_parts(study)
    unit = "hosts" if parts else "blocks"
    for name, workloads, estimate, level in _over_hosts(study) if parts else _speeds(study):
        mean = estimate.interval(level)
        if mean.lo is None or mean.hi is None:
            continue
        ends = f"{significant(mean.lo)} to {significant(mean.hi)}"
        if undetermined(mean.value, mean.lo, mean.hi, "x"):
            text = f"{mean.blocks} {unit} do not determine whether {name} and {reference} differ"
        elif mean.lo <= 1 <= mean.hi:
            text = f"no detectable difference between {name} and {reference} (ratio {ends}, {mean.blocks} {unit})"
        else:
            of = f"{len(workloads)} workload{'s' * (len(workloads) > 1)}"
            over = f" over {mean.blocks} hosts" if parts else ""
            text = (
                f"{name} runs at {significant(mean.value)}x the speed of {reference} (95% interval {ends}{over}, "
                f"geometric mean of {of})"
            )
        evidence = (cell for cell in cells if cell.family == "cpu" and cell.metric == "relative")
        yield Finding(
            kind="single_thread",
            text=f"Single-threaded cpu family: {text}.",
            subject=name,
            cells=tuple(cell for cell in evidence if cell.case.threads == 1 and variant(cell.case) == name),
        )


def _over_hosts(study: Study) -> Iterator[_Speed]:
    """Yield the means over hosts of what all hosts with an interpreter measured by the same workloads."""
    found = by_key((_speeds(part.study) for part in host_parts(study)), lambda speed: speed.name)
    for first, *others in found.values():
        if all(one.workloads == first.workloads for one in others):
            yield first._replace(estimate=over_hosts([one.estimate for one in (first, *others)]))


def _speeds(study: Study) -> Iterator[_Speed]:
    blocks = Blocks(study.header.plan, study.runs)
    cpu = {workload.name for workload in study.header.workloads if workload.family == "cpu"}
    logs: dict[str, list[tuple[str, list[float]]]] = defaultdict(list)
    levels: dict[str, float] = defaultdict(float)
    for case in blocks.cases():
        other = blocks.reference(case)
        if other is not None and case.workload in cpu and case.threads == 1 and not case.observers:
            ratios = list(blocks.throughput_log_ratios(case, other).values())
            logs[variant(case)].append((case.workload, ratios))
            levels[variant(case)] = max(levels[variant(case)], case_confidence(blocks, case))
    for name, series in logs.items():
        workloads = tuple(workload for workload, _ in series)
        yield _Speed(name, workloads, geometric_mean([ratios for _, ratios in series]), levels[name])
