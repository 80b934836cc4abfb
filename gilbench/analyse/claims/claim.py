"""Claims, the verdict of each experiment, and the verdict of a claim overall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from gilbench.analyse.claims.evidence import Evidence, Missing, Reader, Spot
from gilbench.analyse.figures import Figure
from gilbench.model.metrics import write
from gilbench.model.scores import Configuration, Score, Verdict


class Limit(NamedTuple):
    """The side of a value on which the claim holds."""

    value: float
    holds: Literal["below", "above"]

    def judge(self, figure: Figure) -> Verdict:
        """The verdict of an interval on one side of the limit; else inconclusive."""
        if figure.lo is None or figure.hi is None:
            return "inconclusive"
        if figure.lo > self.value:
            return "holds" if self.holds == "above" else "does not hold"
        if figure.hi < self.value:
            return "holds" if self.holds == "below" else "does not hold"
        return "inconclusive"


def keep(_evidence: Evidence, _configuration: Configuration, limit: Limit) -> Limit:
    """Return a limit that is the same on every host."""
    return limit


class ClaimExperiment(NamedTuple):
    """One experiment: the cases of each configuration, the figure taken of them, and its limit."""

    key: str  # within the claim
    part: str  # in a few words
    measured: str  # what the figure is
    spots: tuple[Spot, ...]  # its cases; the figure is of the first
    read: Reader
    limit: Limit
    adapt: Callable[[Evidence, Configuration, Limit], Limit] = keep
    """Returns the limit on this host, relative to what the host gives. Raises Missing if the host cannot tell."""
    lacks: Callable[[Configuration, int], str | None] = lambda _configuration, _cpus: None
    """Why an experiment does not apply to a configuration with so many CPUs; None: it applies."""
    remark: Callable[[Evidence, Configuration], str | None] = lambda _evidence, _configuration: None
    """An explanation of a figure that contradicts the claim."""
    aside: bool = False  # shown, but not part of the overall verdict


class Claim(NamedTuple):
    """One claim. It holds if ``all`` of its experiments hold (partly: if some do), or if ``any`` of them does."""

    number: int
    title: str
    experiments: tuple[ClaimExperiment, ...]
    together: Literal["all", "any"] = "all"

    def scores(self, evidence: Evidence, configuration: Configuration) -> list[Score]:
        """The claim overall, then its experiments if it has several."""
        parts = [self._score(experiment, evidence, configuration) for experiment in self.experiments]
        if len(parts) == 1:
            return [msgspec.structs.replace(parts[0], id=str(self.number))]
        whole = self._whole(
            [part for part, experiment in zip(parts, self.experiments, strict=True) if not experiment.aside]
        )
        return [whole, *parts]

    def _score(self, experiment: ClaimExperiment, evidence: Evidence, configuration: Configuration) -> Score:
        def score(verdict: Verdict, reason: str | None, figure: Figure | None = None) -> Score:
            return Score(
                kind="claim",
                id=f"{self.number}.{experiment.key}",
                title=self.title,
                part=experiment.part,
                interpreter=configuration.name,
                verdict=verdict,
                measured=experiment.measured,
                figure=None if figure is None else figure.value,
                unit=None if figure is None else figure.unit,
                lo=None if figure is None else figure.lo,
                hi=None if figure is None else figure.hi,
                reason=reason,
                workload=experiment.spots[0].workload,
            )

        nothing = experiment.lacks(configuration, evidence.cores)
        if nothing is not None:
            return score("not here", nothing)
        try:
            figure = experiment.read(evidence, configuration)
            limit = experiment.adapt(evidence, configuration, experiment.limit)
        except Missing as missing:
            return score(missing.verdict, missing.reason)
        verdict = limit.judge(figure)
        reason = experiment.remark(evidence, configuration) if verdict == "does not hold" else None
        if verdict == "inconclusive":
            reason = f"the 95% interval includes the limit {write(limit.value, figure.unit)}"
            if figure.doubt is not None:
                reason = figure.doubt
        return score(verdict, reason, figure)

    def _whole(self, parts: Sequence[Score]) -> Score:
        """The overall verdict is that of the decisive part."""
        decisive: tuple[Verdict, Verdict] = ("does not hold", "holds")
        first, last = decisive if self.together == "all" else decisive[::-1]
        order: tuple[Verdict, ...] = (first, "crashes", "hangs", "fails", "inconclusive", last, "not here")
        deciding = min(parts, key=lambda part: order.index(part.verdict))
        said = deciding.part if deciding.verdict != "not here" else None
        reason = ": ".join(text for text in (said, deciding.reason) if text)
        counts = Counter(part.verdict for part in parts)
        partly = self.together == "all" and counts["holds"] and counts["does not hold"]
        if partly:
            reason = f"{counts['holds']} of {counts['holds'] + counts['does not hold']} hold; not: {reason}"
        return Score(
            kind="claim",
            id=str(self.number),
            title=self.title,
            interpreter=deciding.interpreter,
            verdict="partly" if partly else deciding.verdict,
            measured=deciding.measured,
            figure=deciding.figure,
            unit=deciding.unit,
            lo=deciding.lo,
            hi=deciding.hi,
            reason=reason or None,
            workload=deciding.workload,
        )


def speedup(spot: Spot) -> Reader:
    """Read the speedup of many threads relative to one."""
    return lambda evidence, configuration: evidence.figure(evidence.scaled(configuration, spot, 1), "x")


def retained(spot: Spot) -> Reader:
    """Read the throughput with added threads, vs unloaded."""
    return lambda evidence, configuration: evidence.figure(
        evidence.scaled(configuration, spot, 0), "fraction"
    )


def delay(spot: Spot, share: float) -> Reader:
    """Read a percentile of latency."""
    return lambda evidence, configuration: evidence.figure(evidence.delays(configuration, spot, share), "s")
