"""Builds the report of a study."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.cells import all_cells
from gilbench.analyse.study.counts import count_cells
from gilbench.analyse.study.findings import findings
from gilbench.analyse.study.host_speedup import host_gains
from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.layout import small_ratios
from gilbench.analyse.study.throttling import is_throttled, without_throttled
from gilbench.analyse.study.trains import short_slices
from gilbench.model.results import Cell, Finding, Report
from gilbench.model.study import Study, Workload

_OF_SHORT_SLICES = frozenset({"single_thread", "effort"})
"""Kinds of findings that a quota does not disturb: a stopped short slice is ignored."""


def _findings(study: Study, blocks: Blocks, cells: Sequence[Cell]) -> tuple[Finding, ...]:
    """Collect the findings. Long slices that a CPU quota stopped are left out."""
    found = findings(study, blocks, cells)
    if not any(map(is_throttled, study.runs)):
        return found
    steady = msgspec.structs.replace(study, runs=tuple(without_throttled(study.runs)))
    kept = Blocks(steady.header.plan, steady.runs)
    rest = (*all_cells(kept, _workloads(study), study.header.host.cores), *count_cells(study))
    return (
        *(one for one in findings(steady, kept, rest) if one.kind not in _OF_SHORT_SLICES),
        *(one for one in found if one.kind in _OF_SHORT_SLICES),
    )


def _workloads(study: Study) -> dict[str, Workload]:
    return {workload.name: workload for workload in study.header.workloads}


def build_report(study: Study) -> Report:
    """Compute the cells, findings, caveats, and failures of a study."""
    blocks = Blocks(study.header.plan, study.runs)
    cells = (*all_cells(blocks, _workloads(study), study.header.host.cores), *count_cells(study))
    plan = study.header.plan
    return Report(
        header=study.header,
        cells=cells,
        findings=_findings(study, blocks, cells),
        caveats=(*caveats(study), *small_ratios(study, cells)),
        failures=tuple((plan.cases[run.case], run.failure) for run in study.runs if run.failure is not None),
        short_slices=short_slices(study),
        host_gains=host_gains(study),
    )
