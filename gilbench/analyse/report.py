"""A study made into everything that a renderer needs."""

from __future__ import annotations

from gilbench.analyse.blocks import Blocks
from gilbench.analyse.caveats import caveats
from gilbench.analyse.cells import all_cells
from gilbench.analyse.findings import findings
from gilbench.model import Report, Study


def build_report(study: Study) -> Report:
    """Work out figures, findings, warnings and failures of a study."""
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    cells = tuple(all_cells(blocks, workloads))
    plan = study.header.plan
    return Report(
        header=study.header,
        cells=cells,
        findings=findings(study, blocks, cells),
        warnings=caveats(study),
        failures=tuple((plan.cases[run.case], run.failure) for run in study.runs if run.failure is not None),
    )
