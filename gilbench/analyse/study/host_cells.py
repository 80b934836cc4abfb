"""Computes the cells of a study: of one host, or of a fleet over its hosts and for each host."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from gilbench.analyse.stats.estimates import Estimate, Interval, Scale, student_quantile, unknown
from gilbench.analyse.stats.hosts import over_hosts, spread
from gilbench.analyse.study.cells import CaseFigure, all_cells, all_figures, cell_of
from gilbench.analyse.study.counts import count_cells
from gilbench.analyse.study.hosts import HostPart, by_key, host_parts, host_spread
from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.looks import case_confidence
from gilbench.model.metrics import METRICS
from gilbench.model.results import Cell
from gilbench.model.study import Study, Workload

_BOUNDED = frozenset({"fairness", "serial_part", "delivered"})  # fractions that are never above 1
_LARGEST = "latency_max"


class Computed(NamedTuple):
    """The cells of a study."""

    cells: tuple[Cell, ...]  # of a fleet, over its hosts
    by_host: tuple[Cell, ...] = ()  # of each host of a fleet


def compute_cells(study: Study) -> Computed:
    """Compute every metric of every case with runs."""
    workloads = {workload.name: workload for workload in study.header.workloads}
    blocks = Blocks(study.header.plan, study.runs)
    parts = host_parts(study)
    if not parts:
        return Computed((*all_cells(blocks, workloads, study.header.host.cores), *count_cells(study)))
    figures = [tuple(_figures(part, workloads)) for part in parts]
    return Computed(
        cells=(*_united(figures, blocks, workloads), *count_cells(study)),
        by_host=tuple(
            msgspec.structs.replace(cell, host=part.host.name)
            for part, mine in zip(parts, figures, strict=True)
            for cell in (*(cell_of(figure, workloads) for figure in mine), *count_cells(part.study))
        ),
    )


def _figures(part: HostPart, workloads: dict[str, Workload]) -> Iterator[CaseFigure]:
    header = part.study.header
    return all_figures(Blocks(header.plan, part.study.runs), workloads, header.host.cores)


def _united(
    figures: Sequence[Sequence[CaseFigure]], blocks: Blocks, workloads: dict[str, Workload]
) -> Iterator[Cell]:
    """Yield the cells over hosts. A metric that a host lacks, although it has the case, is left out."""
    measured = Counter(case for part in figures for case in {figure.case for figure in part})
    for (case, metric), mine in by_key(figures, lambda figure: (figure.case, figure.metric)).items():
        if len(mine) < measured[case]:
            continue
        samples = [figure.samples for figure in mine if figure.samples is not None]
        estimates = [_estimate(figure) for figure in mine]
        interval = _interval(
            metric, [figure.interval for figure in mine], estimates, case_confidence(blocks, case)
        )
        if not math.isnan(interval.value):
            cell = cell_of(CaseFigure(case, metric, interval, sum(samples) if samples else None), workloads)
            yield msgspec.structs.replace(
                cell, hosts=len(mine), spread=host_spread(spread(estimates), estimates[0].scale)
            )


def _interval(
    metric: str, intervals: Sequence[Interval], estimates: Sequence[Estimate], level: float
) -> Interval:
    blocks = sum(one.blocks for one in intervals)
    if metric == _LARGEST:
        return Interval(max(one.value for one in intervals), None, None, blocks)
    found = over_hosts(estimates).interval(level)
    if math.isnan(found.value):  # a host on which nothing was answered in time has an infinite latency
        value = _back(float(np.mean([one.value for one in estimates])), estimates[0].scale)
        return Interval(value, None, None, blocks)
    lo, hi = found.lo, found.hi
    if metric in _BOUNDED and lo is not None and hi is not None:
        lo, hi = max(0.0, lo), min(1.0, hi)
    return Interval(found.value, lo, hi, blocks)


def _estimate(figure: CaseFigure) -> Estimate:
    """Return the estimate of a host; a percentile or a fraction has one only by its interval."""
    interval = figure.interval
    if interval.estimate is not None:
        return interval.estimate
    scale: Scale = "ratio" if METRICS[figure.metric].unit == "s" else "difference"
    value, lo, hi = _on_scale((interval.value, interval.lo, interval.hi), scale)
    if not (math.isfinite(lo) and math.isfinite(hi)) or interval.blocks < 2:  # noqa: PLR2004 - one block has no spread
        return unknown(interval.blocks, "too few blocks", scale, value=value)
    freedom = interval.blocks - 1.0
    error = (hi - lo) / 2 / float(student_quantile(freedom))
    return Estimate(value=value, error=error, freedom=freedom, blocks=interval.blocks, scale=scale)


def _on_scale(values: Iterable[float | None], scale: Scale) -> list[float]:
    plain = np.array([math.nan if value is None else value for value in values])
    with np.errstate(divide="ignore", invalid="ignore"):
        return [float(value) for value in (np.log(plain) if scale == "ratio" else plain)]


def _back(value: float, scale: Scale) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(value)) if scale == "ratio" else float(value)
