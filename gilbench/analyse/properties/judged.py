"""What a trial was judged to be: a verdict, and the figure that it stands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gilbench.scores import Verdict

Figures = dict[str, Any]  # what a trial answered, by name


class Judged(NamedTuple):
    """A verdict and what it stands on."""

    verdict: Verdict
    measured: str | None = None  # what the figure is
    figure: float | None = None
    unit: str | None = None
    lo: float | None = None
    hi: float | None = None
    reason: str | None = None


Judge = Callable[[Figures], Judged]


class Part(NamedTuple):
    """One experiment of a property that is judged by itself."""

    id: str
    part: str  # what was tried, in a few words
    judge: Judge
    trial: str | None = None  # whose figures it takes; None: the one of the same id


def fraction(hits: int, trials: int, measured: str, verdict: Verdict, reason: str | None = None) -> Judged:
    """Judge by a share of single events, with Wilson's interval (1927)."""
    from scipy.stats import binomtest  # noqa: PLC0415 - scipy is slow to import

    ends = binomtest(hits, trials).proportion_ci(method="wilson")
    return Judged(verdict, measured, hits / trials, "fraction", float(ends.low), float(ends.high), reason)


def always(hits: int, trials: int) -> Verdict:
    """What is not always so cannot be relied on."""
    return "yes" if hits == trials else "no"
