"""Builds the report of a study."""

from __future__ import annotations

from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.cells import all_cells
from gilbench.analyse.study.counts import count_cells
from gilbench.analyse.study.findings import findings
from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.layout import small_ratios
from gilbench.analyse.study.trains import short_slices
from gilbench.model.results import Report
from gilbench.model.study import Study


def build_report(study: Study) -> Report:
    """Compute the cells, findings, caveats, and failures of a study."""
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    cells = (*all_cells(blocks, workloads), *count_cells(study))
    plan = study.header.plan
    return Report(
        header=study.header,
        cells=cells,
        findings=findings(study, blocks, cells),
        caveats=(*caveats(study), *small_ratios(study, cells)),
        failures=tuple((plan.cases[run.case], run.failure) for run in study.runs if run.failure is not None),
        short_slices=short_slices(study),
    )
