"""The results of profiles: two profiles compared, and a profile held to limits.

``None`` means "unknown" or "not measured", never zero.
"""

from __future__ import annotations

from typing import Literal

from gilbench.model.metrics import Metric
from gilbench.model.results import Caveat
from gilbench.model.study import Struct

UNDIRECTED = "neither direction is better"  # a reason

PROFILE_METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("gil_held", "fraction", "neither", "GIL held"),
        Metric("gil_wait", "fraction", "lower", "GIL wait"),
        Metric("wait_share", "fraction", "lower", "GIL wait / runnable time"),
        Metric("parked", "fraction", "lower", "parked"),
        Metric("off_gil", "fraction", "neither", "on CPU, no GIL"),
        Metric("longest_hold", "s", "lower", "longest hold"),
        Metric("longest_wait", "s", "lower", "longest wait"),
        Metric("acquires", "1/s", "neither", "acquires"),
        Metric("cpu", "s", "lower", "CPU time"),
        Metric("cpus", "cores", "neither", "CPU time / wall time"),
        Metric("memory_peak", "B", "lower", "peak memory"),
        Metric("duration", "s", "neither", "profiled time"),
    )
}


class ProfileFigure(Struct, frozen=True):
    """One value of a profile."""

    value: float  # a fraction is of the wall time, of all threads together
    lo: float | None = None  # 95% interval of a sampled value; None: counted
    hi: float | None = None


class Difference(Struct, frozen=True):
    """One value in two profiles."""

    kind: Literal["program", "threads", "function"]
    subject: str  # the group of threads, or the function; empty: the program
    metric: str
    unit: str
    before: ProfileFigure | None
    after: ProfileFigure | None
    verdict: Literal["improved", "regressed", "equivalent", "inconclusive"]
    reason: str | None = None  # why it is inconclusive


class ProfileComparison(Struct, frozen=True):
    """Two profiles compared."""

    before: str  # file
    after: str
    rows: tuple[Difference, ...]
    caveats: tuple[Caveat, ...]
    threshold: float  # smallest change that matters: a fraction of the wall time, or of the value

    @property
    def inconclusive(self) -> bool:
        """Whether any row with a better direction is inconclusive."""
        directed = (row for row in self.rows if row.reason != UNDIRECTED)
        return any(row.verdict == "inconclusive" for row in directed)


class ProfileLimit(Struct, frozen=True):
    """A limit of one value."""

    text: str  # as it was given
    metric: str
    most: bool  # the limit is a maximum, else a minimum
    value: float  # in the unit of the metric
    threads: str | None = None  # pattern of names; None: all threads


class Limited(Struct, frozen=True):
    """A limit, and whether a profile keeps it."""

    limit: ProfileLimit
    figure: ProfileFigure
    count: int  # threads
    verdict: Literal["pass", "exceeded", "inconclusive"]  # inconclusive: the interval includes the limit


class LimitCheck(Struct, frozen=True):
    """A profile held to limits."""

    profile: str  # file
    results: tuple[Limited, ...]
    caveats: tuple[Caveat, ...] = ()
    exit_code: int = 0  # 1 exceeded; 3 inconclusive, and strict

    @property
    def verdict(self) -> Literal["pass", "exceeded", "inconclusive"]:
        """The worst of the verdicts."""
        found = {one.verdict for one in self.results}
        return "exceeded" if "exceeded" in found else "inconclusive" if "inconclusive" in found else "pass"
