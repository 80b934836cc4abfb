"""Adaptive effort: finds the cases that another block could decide."""

from __future__ import annotations

from gilbench.analyse.study.comparisons import compare_interpreters
from gilbench.model.study import Case, Study

DECIDING = ("throughput", "speedup", "retained", "delivered", "latency_p50")
"""The metrics to decide. High percentiles of latency are excluded, since they would need too many blocks."""


def undecided(study: Study) -> frozenset[Case]:
    """Return the cases of workloads with an inconclusive comparison, or without any comparison."""
    rows = [row for row in compare_interpreters(study, metrics=DECIDING) if not row.is_mean]
    decided = {row.case.workload for row in rows} - {
        row.case.workload for row in rows if row.verdict == "inconclusive"
    }
    return frozenset(case for case in study.header.plan.cases if case.workload not in decided)
