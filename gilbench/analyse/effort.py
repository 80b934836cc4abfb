"""Adaptive effort: which cases still have a comparison that another block could decide."""

from __future__ import annotations

from gilbench.analyse.comparisons import compare_interpreters
from gilbench.model import Case, Study

DECIDING = ("throughput", "speedup", "retained", "delivered", "latency_p50")
"""What a study is made to decide; the tail of a latency would take every block there is."""
FIRST_BLOCKS = 4
"""Looking after every block from the fourth on keeps false verdicts at 2.2 %: see ``verdicts``."""


def undecided(study: Study) -> frozenset[Case]:
    """The cases of workloads with at least one inconclusive comparison, or with nothing to compare at all yet."""
    rows = [row for row in compare_interpreters(study, metrics=DECIDING) if row.workload in _names(study)]
    decided = {row.workload for row in rows} - {row.workload for row in rows if row.verdict == "inconclusive"}
    return frozenset(case for case in study.header.plan.cases if case.workload not in decided)


def _names(study: Study) -> set[str]:
    return {workload.name for workload in study.header.workloads}
