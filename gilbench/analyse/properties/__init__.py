"""What a replacement of the GIL must have, on each interpreter: from what was tried to verdicts with figures.

The properties are those of the Python wiki's page on the GIL. Each module judges the trials of one kind; concurrency
and the speed of one thread are read from a study.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from gilbench.analyse.properties import atomicity, destruction, extension, features, footprint
from gilbench.analyse.properties.headers import simple
from gilbench.analyse.properties.judged import Figures, Judged
from gilbench.analyse.properties.reference import reference_of, without_reference
from gilbench.analyse.properties.threads import concurrency, one_thread
from gilbench.model import Study
from gilbench.run.properties import Column, Outcome, Trials
from gilbench.scores import Score, Verdict

TITLES: Final = {
    "simplicity": "Simplicity: it can be maintained in the long run",
    "concurrency": "Concurrency: threads make a program faster",
    "speed": "Speed: one thread is no slower, and memory no larger",
    "features": "Features: finalisers and weak references work under threads",
    "atomicity": "Atomicity: operations that people take for atomic are",
    "api": "API compatibility: extensions work unchanged",
    "prompt": "Prompt destruction: what nobody refers to ends at once",
    "ordered": "Ordered destruction: an object ends before what it holds",
}
_FAILURES: Final[dict[str, Verdict]] = {
    "compiler": "no",
    "timeout": "hangs",
    "crash": "crashes",
    "unsupported": "not here",
}
_RANK: Final[tuple[Verdict, ...]] = ("crashes", "hangs", "fails")
_LONGEST = 160  # characters of what an interpreter says of its failure
_Row = tuple[str, str, Judged, str | None]  # id, part, what it was judged to be, workload


def property_scores(trials: Trials, study: Study | None = None) -> tuple[Score, ...]:
    """Judge every property in every column: first the property as a whole, then its parts.

    Args:
        trials: What was tried.
        study: Of the workloads that ``threads.property_cases`` names, for the speed of one thread and of several.
    """
    outcomes = {(outcome.column, outcome.id): outcome for outcome in trials.outcomes}
    return tuple(
        score
        for name in TITLES
        for column in trials.columns
        for score in _scores(name, column, list(_rows(name, column, trials, outcomes, study)))
    )


def _rows(
    name: str,
    column: Column,
    trials: Trials,
    outcomes: dict[tuple[str, str], Outcome],
    study: Study | None,
) -> Iterator[_Row]:
    """The parts of one property in one column."""
    reference = reference_of(column, trials.columns)

    def judge(trial: str, judging: Callable[[Figures], Judged]) -> Judged:
        return _judge(outcomes.get((column.name, trial)), judging)

    if name == "simplicity":
        yield (
            "simplicity.headers",
            "share of the public headers",
            simple(trials.headers.get(column.name)),
            None,
        )
    if name == "concurrency":
        yield from concurrency(study, column)
    if name == "speed":
        yield one_thread(study, column, reference)
        for identity, part in footprint.PARTS.items():
            base = None if reference is None else outcomes.get((reference.name, identity))
            held_against = None if base is None else base.figures
            own = reference is column
            called = None if own else reference.name if reference is not None else ""
            judged = judge(identity, lambda figures: footprint.lean(figures, held_against, called))  # noqa: B023
            if reference is None and judged.figure is not None:
                judged = judged._replace(verdict="not here", reason=without_reference(column))
            yield identity, part, judged, None
    if name == "api":
        for one in extension.PARTS:
            yield one.id, one.part, judge(one.trial, lambda figures: one.judge(figures, column)), None  # noqa: B023
    for each in (*features.PARTS, *atomicity.PARTS, *destruction.PARTS):
        if each.id.startswith(f"{name}."):
            yield each.id, each.part, judge(each.trial or each.id, each.judge), None


def _judge(outcome: Outcome | None, judging: Callable[[Figures], Judged]) -> Judged:
    """Judge a trial; where it gave no figures, that is the verdict."""
    if outcome is None:
        return Judged("not here", reason="it was not tried")
    if outcome.absent is not None:
        return Judged("not here", reason=outcome.absent)
    if outcome.failure is not None:
        message = outcome.failure.message
        short = message if len(message) <= _LONGEST else f"{message[: _LONGEST - 1]}…"
        return Judged(_FAILURES.get(outcome.failure.kind, "fails"), reason=short)
    try:
        return judging(outcome.figures or {})
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return Judged("fails", reason=f"the trial answered what makes no sense ({type(error).__name__})")


def _scores(name: str, column: Column, rows: Sequence[_Row]) -> Iterator[Score]:
    # Concurrency is the speed-up; its other parts say why it is no more.
    deciding = rows[:1] if name == "concurrency" else rows
    whole = _whole([judged for _, _, judged, _ in deciding], [part for _, part, _, _ in deciding])
    yield _score(name, name, column, whole, None, rows[0][3])
    if len(rows) > 1:
        for identity, part, judged, workload in rows:
            yield _score(name, identity, column, judged, part, workload)


def _whole(parts: Sequence[Judged], names: Sequence[str]) -> Judged:
    """All parts together: yes or no where they agree, partly where they do not; the figure is how many say yes."""
    if len(parts) == 1:
        return parts[0]
    counts = Counter(part.verdict for part in parts)
    decided = counts["yes"] + counts["no"]
    broken = next((verdict for verdict in _RANK if counts[verdict]), None)
    if broken is not None:
        verdict = broken
    elif not decided:
        verdict = "inconclusive" if counts["inconclusive"] else "not here"
    elif counts["yes"] and counts["no"]:
        verdict = "partly"
    else:
        verdict = "yes" if counts["yes"] else "no"
    against = [
        named
        for part, named in zip(parts, names, strict=True)
        if part.verdict in {"no", "crashes", "hangs", "fails"}
    ]
    tried = len(parts) - counts["not here"]
    if not tried:
        return Judged("not here", reason=parts[0].reason)
    return Judged(
        verdict,
        f"of {tried} parts that could be tried, those that say yes",
        counts["yes"] / tried,
        "fraction",
        reason=f"not: {'; '.join(against)}" if against else None,
    )


def _score(
    name: str, identity: str, column: Column, judged: Judged, part: str | None, workload: str | None
) -> Score:
    return Score(
        kind="property",
        id=identity,
        title=TITLES[name],
        part=part,
        interpreter=column.name,
        verdict=judged.verdict,
        measured=judged.measured,
        # numpy's own kind of float is none that can be saved
        figure=None if judged.figure is None else float(judged.figure),
        unit=judged.unit,
        lo=None if judged.lo is None else float(judged.lo),
        hi=None if judged.hi is None else float(judged.hi),
        reason=judged.reason,
        workload=workload,
    )
