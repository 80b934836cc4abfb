"""What a claim is, how each of its experiments is judged, and what they say together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from gilbench.analyse.claims.evidence import Evidence, Figure, Missing, Reader, Spot
from gilbench.metrics import write
from gilbench.model import Case
from gilbench.run.properties import Column
from gilbench.scores import Score, Verdict


class Limit(NamedTuple):
    """On which side of which figure the claim holds. It lies far from what either side was seen to give."""

    value: float
    holds: Literal["below", "above"]

    def judge(self, figure: Figure) -> Verdict:
        """The verdict that the whole interval leaves no doubt about; without an interval there is none."""
        if figure.lo is None or figure.hi is None:
            return "inconclusive"
        if figure.lo > self.value:
            return "holds" if self.holds == "above" else "does not hold"
        if figure.hi < self.value:
            return "holds" if self.holds == "below" else "does not hold"
        return "inconclusive"


class Experiment(NamedTuple):
    """One experiment: what is run on each column, which figure is taken of it, and where its limit is."""

    key: str  # within the claim
    part: str  # in a few words
    measured: str  # what the figure is
    spots: tuple[Spot, ...]  # what is run; the first is what the figure is of
    read: Reader
    limit: Limit
    lacks: Callable[[Column, int], str | None] = lambda _column, _cpus: None
    """Why there is nothing to try on a column with so many processors, if so; it need not run it then."""
    remark: Callable[[Evidence, Column], str | None] = lambda _evidence, _column: None
    """What else should be known of a figure that speaks against the claim."""
    against: Callable[[Evidence], Column] | None = None  # the column that the others are held against
    aside: bool = False  # shown, and not asked when the claim as a whole is judged


class Claim(NamedTuple):
    """One claim. It holds if ``all`` of its experiments say so, or if ``any`` of them does."""

    number: int
    title: str
    experiments: tuple[Experiment, ...]
    together: Literal["all", "any"] = "all"

    def scores(self, evidence: Evidence, column: Column) -> list[Score]:
        """The claim as a whole, then its experiments where it has several."""
        parts = [self._score(experiment, evidence, column) for experiment in self.experiments]
        if len(parts) == 1:
            return [msgspec.structs.replace(parts[0], id=str(self.number))]
        whole = self._whole(
            [part for part, experiment in zip(parts, self.experiments, strict=True) if not experiment.aside]
        )
        return [whole, *parts]

    def undecided(self, evidence: Evidence, column: Column) -> Iterator[Case]:
        """The cases behind each experiment that is inconclusive."""
        for experiment in self.experiments:
            if self._score(experiment, evidence, column).verdict == "inconclusive":
                columns = [column, *([experiment.against(evidence)] if experiment.against else [])]
                yield from (spot.case(one) for one in columns for spot in experiment.spots)

    def _score(self, experiment: Experiment, evidence: Evidence, column: Column) -> Score:
        def score(verdict: Verdict, reason: str | None, figure: Figure | None = None) -> Score:
            return Score(
                kind="claim",
                id=f"{self.number}.{experiment.key}",
                title=self.title,
                part=experiment.part,
                interpreter=column.name,
                verdict=verdict,
                measured=experiment.measured,
                figure=None if figure is None else figure.value,
                unit=None if figure is None else figure.unit,
                lo=None if figure is None else figure.lo,
                hi=None if figure is None else figure.hi,
                reason=reason,
                workload=experiment.spots[0].workload,
            )

        nothing = experiment.lacks(column, evidence.cpus)
        if nothing is not None:
            return score("not here", nothing)
        try:
            figure = experiment.read(evidence, column)
        except Missing as missing:
            return score(missing.verdict, missing.reason)
        verdict = experiment.limit.judge(figure)
        reason = experiment.remark(evidence, column) if verdict == "does not hold" else None
        if verdict == "inconclusive":
            limit = write(experiment.limit.value, figure.unit)
            reason = f"the interval does not tell on which side of {limit} it is"
            if figure.lo is None:
                reason = "too few blocks for an interval"
        return score(verdict, reason, figure)

    def _whole(self, parts: Sequence[Score]) -> Score:
        """The part that decides speaks for the claim."""
        decisive: tuple[Verdict, Verdict] = ("does not hold", "holds")
        first, last = decisive if self.together == "all" else decisive[::-1]
        order: tuple[Verdict, ...] = (first, "crashes", "hangs", "fails", "inconclusive", last, "not here")
        deciding = min(parts, key=lambda part: order.index(part.verdict))
        said = deciding.part if deciding.verdict != "not here" else None
        reason = ": ".join(text for text in (said, deciding.reason) if text)
        return Score(
            kind="claim",
            id=str(self.number),
            title=self.title,
            interpreter=deciding.interpreter,
            verdict=deciding.verdict,
            measured=deciding.measured,
            figure=deciding.figure,
            unit=deciding.unit,
            lo=deciding.lo,
            hi=deciding.hi,
            reason=reason or None,
            workload=deciding.workload,
        )


def speedup(spot: Spot) -> Reader:
    """Read what many threads do, in times of what one does."""
    return lambda evidence, column: evidence.speedup(column, spot)


def wait(spot: Spot, share: float) -> Reader:
    """Read a percentile of latency."""
    return lambda evidence, column: evidence.wait(column, spot, share)


def metric(name: str, spot: Spot) -> Reader:
    """Read one metric of one case."""
    return lambda evidence, column: evidence.figure(column, spot, name)
