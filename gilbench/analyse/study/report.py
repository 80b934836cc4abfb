"""Builds the report of a study."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.findings import findings
from gilbench.analyse.study.host_caveats import not_on_all
from gilbench.analyse.study.host_cells import compute_cells
from gilbench.analyse.study.host_findings import with_hosts
from gilbench.analyse.study.host_speedup import host_gains
from gilbench.analyse.study.hosts import host_parts, kinds_of, of_one_host
from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.layout import small_ratios
from gilbench.analyse.study.throttling import is_throttled, without_throttled
from gilbench.analyse.study.trains import short_slices
from gilbench.model.results import Cell, Finding, Report
from gilbench.model.study import Study

_OF_SHORT_SLICES = frozenset({"single_thread", "effort"})
"""Kinds of findings that a quota does not disturb: a stopped short slice is ignored."""


def _findings(study: Study, blocks: Blocks, cells: Sequence[Cell]) -> tuple[Finding, ...]:
    """Collect the findings. Long slices that a CPU quota stopped are left out."""
    found = findings(study, blocks, cells)
    if not any(map(is_throttled, study.runs)):
        return found
    steady = msgspec.structs.replace(study, runs=tuple(without_throttled(study.runs)))
    kept, rest = Blocks(steady.header.plan, steady.runs), compute_cells(steady)
    return (
        *(one for one in findings(steady, kept, rest.cells) if one.kind not in _OF_SHORT_SLICES),
        *(one for one in found if one.kind in _OF_SHORT_SLICES),
    )


def build_report(study: Study) -> Report:
    """Compute the cells, findings, caveats, and failures of a study; those of a fleet are over its hosts."""
    study = of_one_host(study)
    blocks, computed = Blocks(study.header.plan, study.runs), compute_cells(study)
    plan, hosts = study.header.plan, [part.host for part in host_parts(study)]
    kinds = kinds_of(hosts)
    return Report(
        header=study.header,
        cells=computed.cells,
        findings=with_hosts(_findings(study, blocks, computed.cells), computed, kinds),
        caveats=(
            *caveats(study),
            *not_on_all(computed, len(hosts)),
            *small_ratios(study, computed.cells),
        ),
        failures=tuple((plan.cases[run.case], run.failure) for run in study.runs if run.failure is not None),
        short_slices=short_slices(study),
        host_gains=host_gains(study),
        hosts=tuple(hosts),
        kinds=kinds,
        host_cells=computed.by_host,
    )
