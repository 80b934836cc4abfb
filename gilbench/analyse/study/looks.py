"""Tells how many looks the results of a study pay for: see ``stats.sequential``."""

from __future__ import annotations

from gilbench.analyse.stats.estimates import CONFIDENCE, over_looks
from gilbench.analyse.stats.sequential import looks_paid
from gilbench.analyse.study.index import Blocks
from gilbench.model.study import Case


def case_looks(blocks: Blocks, case: Case) -> float:
    """Return the number of looks that a case pays for; 1 without a budget.

    The blocks of the study up to the last one with the case count, even if it ran in only some of them.
    """
    if blocks.plan.budget is None:
        return 1.0
    return looks_paid(blocks.last(case) + 1)


def case_confidence(blocks: Blocks, case: Case) -> float:
    """Return the confidence level of Student's interval whose coverage is 95% in spite of the looks."""
    return float(over_looks(CONFIDENCE, case_looks(blocks, case)))
