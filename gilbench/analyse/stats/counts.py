"""Judges counts of instructions: nearly deterministic figures, whose repeats may not differ at all.

The variance over blocks says nothing here, so a count has a **resolution**: an interval is never narrower than ±0.2%.
That is what two equal programs differ by at most if their addresses differ (``ci/bench.py counted``). If the repeats,
which have different hash seeds, differ by more, Student's interval over them is used instead.

A row is *improved* or *regressed* if its interval is outside the threshold of 0.5%, *equivalent* if it is inside, and
otherwise *inconclusive*. Two programs that do the same work are two and a half resolutions away from a verdict, so no
number of rows makes one of them change by chance, and the false discovery rate needs no control.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from gilbench.analyse.stats.estimates import Estimate, mean_estimate, student_quantile
from gilbench.analyse.stats.verdicts import Verdict

RESOLUTION = 0.002
"""Half-width of the narrowest interval of a count, a fraction."""
COUNT_THRESHOLD = 0.005
"""Smallest change of a count that matters, a fraction."""


def count_estimate(logs: Sequence[float]) -> Estimate:
    """Estimate a count, or the ratio of two.

    Args:
        logs: Natural logarithms, one per repeat.
    """
    return resolved(mean_estimate(logs))


def resolved(found: Estimate) -> Estimate:
    """Return an estimate of a count that is no more precise than the resolution."""
    if found.doubt not in {None, "zero variance"}:
        return found
    least = math.log1p(RESOLUTION) / float(student_quantile(found.freedom))
    return msgspec.structs.replace(found, error=max(found.error, least), doubt=None)


def count_verdict(estimate: Estimate) -> Verdict:
    """Return the verdict on the ratio of two counts, of which fewer instructions are better."""
    if estimate.doubt:
        return Verdict(verdict="inconclusive", reason=estimate.doubt)
    margin = math.log1p(COUNT_THRESHOLD)
    half = float(student_quantile(estimate.freedom)) * estimate.error
    if estimate.value - half > margin:
        return Verdict(verdict="regressed")
    if estimate.value + half < -margin:
        return Verdict(verdict="improved")
    if abs(estimate.value) + half < margin:
        return Verdict(verdict="equivalent")
    return Verdict(verdict="inconclusive", reason="interval too wide")
