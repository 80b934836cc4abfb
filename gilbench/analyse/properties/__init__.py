"""Requirements for a replacement of the GIL, on each interpreter: from experiments to verdicts with values.

The properties are those of the Python wiki's page on the GIL. Each module judges experiments of one kind. Concurrency
and the speed of one thread are read from a study.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from gilbench.analyse.properties import atomicity, destruction, extension, features, footprint
from gilbench.analyse.properties.headers import simple
from gilbench.analyse.properties.judged import Context, Judged, Reading, alone
from gilbench.analyse.properties.reference import reference_of
from gilbench.analyse.properties.threads import concurrency, one_thread
from gilbench.model.excerpt import excerpt
from gilbench.model.scores import Configuration, Experiments, Outcome, Score, Verdict
from gilbench.model.study import Study
from gilbench.plan.experiments import EXPERIMENTS

TITLES: Final = {
    "simplicity": "Simplicity: it can be maintained in the long run",
    "concurrency": "Concurrency: threads make a program faster",
    "speed": "Speed: one thread is no slower, and memory no larger",
    "features": "Features: finalizers and weak references work under threads",
    "atomicity": "Atomicity: operations commonly assumed to be atomic are",
    "api": "API compatibility: extensions work unchanged",
    "prompt": "Prompt destruction: unreachable objects are finalized immediately",
    "ordered": "Ordered destruction: an object is finalized before the objects it holds",
}
_FAILURES: Final[dict[str, Verdict]] = {
    "compiler": "no",
    "timeout": "hangs",
    "crash": "crashes",
    "unsupported": "not here",
}
_RANK: Final[tuple[Verdict, ...]] = ("crashes", "hangs", "fails")
_UNDECIDED: Final[tuple[Verdict, ...]] = ("inconclusive", "not seen")
_LONGEST = 160  # characters of what an interpreter says of its failure
_Row = tuple[str, str, Judged, str | None]  # id, part, judgment, workload
READINGS: Final[dict[str, Reading]] = {
    "lean": footprint.lean,
    "gil_stays_off": extension.leaves_gil_off,
    "lost_updates": atomicity.lost_updates,
    "resurrection": alone(features.resurrection),
    "callbacks": alone(features.callbacks),
    "weak_dictionary": alone(features.weak_dictionary),
    "no_deadlock": alone(features.no_deadlock),
    "own_thread": alone(destruction.own_thread),
    "prompt": alone(destruction.promptness("the finalizer")),
    "eventual": alone(destruction.promptness("the finalizer", math.inf)),
    "prompt_text": alone(destruction.promptness("the text")),
    "still_there": alone(destruction.still_there),
    "before_its_part": alone(destruction.before_its_part),
    "works": alone(extension.works),
    "opt_in": alone(extension.opt_in),
}


def property_scores(experiments: Experiments, study: Study | None = None) -> tuple[Score, ...]:
    """Judge every property in every configuration: the property as a whole, then its parts.

    Args:
        experiments: The experiments, made.
        study: A study of the cases of ``threads.property_cases``, for scaling and the speed of one thread.
    """
    outcomes = {(outcome.configuration, outcome.id): outcome for outcome in experiments.outcomes}
    return tuple(
        score
        for name in TITLES
        for configuration in experiments.configurations
        for score in _scores(
            name, configuration, list(_rows(name, configuration, experiments, outcomes, study))
        )
    )


def _rows(
    name: str,
    configuration: Configuration,
    experiments: Experiments,
    outcomes: Mapping[tuple[str, str], Outcome],
    study: Study | None,
) -> Iterator[_Row]:
    """Yield the parts of one property in one configuration."""
    reference = reference_of(configuration, experiments.configurations)
    if name == "simplicity":
        headers = experiments.headers.get(configuration.name)
        yield "simplicity.headers", "share of the public headers", simple(headers), None
    if name == "concurrency":
        yield from concurrency(study, configuration)
    if name == "speed":
        yield one_thread(study, configuration, reference)
    for one in EXPERIMENTS:
        if one.property == name:
            made = one.of or one.id
            base = None if reference is None else outcomes.get((reference.name, made))
            control = None if one.control is None else outcomes.get((configuration.name, one.control))
            context = Context(
                configuration,
                reference,
                None if base is None else base.figures,
                None if control is None else control.figures,
            )
            judged = _judge(outcomes.get((configuration.name, made)), READINGS[one.reading], context)
            yield one.id, one.part, judged, None


def _judge(outcome: Outcome | None, reading: Reading, context: Context) -> Judged:
    """Judge an experiment by its answer, or by its failure."""
    if outcome is None:
        return Judged("not here", reason="not tested")
    if outcome.absent is not None:
        return Judged("not here", reason=outcome.absent)
    if outcome.failure is not None:
        message = outcome.failure.message
        short = excerpt(message, _LONGEST)
        return Judged(_FAILURES.get(outcome.failure.kind, "fails"), reason=short)
    try:
        return reading(outcome.figures or {}, context)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return Judged("fails", reason=f"the experiment gave an invalid answer ({type(error).__name__})")


def _scores(name: str, configuration: Configuration, rows: Sequence[_Row]) -> Iterator[Score]:
    # Concurrency is the speedup; its other parts explain it.
    deciding = rows[:1] if name == "concurrency" else rows
    whole = _whole([judged for _, _, judged, _ in deciding], [part for _, part, _, _ in deciding])
    yield _score(name, name, configuration, whole, None, rows[0][3])
    if len(rows) > 1:
        for identity, part, judged, workload in rows:
            yield _score(name, identity, configuration, judged, part, workload)


def _whole(parts: Sequence[Judged], names: Sequence[str]) -> Judged:
    """Return the verdict of all parts: yes or no if they agree, else partly. The value is the fraction of yes."""
    if len(parts) == 1:
        return parts[0]
    counts = Counter(part.verdict for part in parts)
    decided = counts["yes"] + counts["no"]
    broken = next((verdict for verdict in _RANK if counts[verdict]), None)
    if broken is not None:
        verdict = broken
    elif not decided:
        verdict = next((one for one in _UNDECIDED if counts[one]), "not here")
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
        f"share of yes among {tried} tested parts",
        counts["yes"] / tried,
        "fraction",
        reason=f"not: {'; '.join(against)}" if against else None,
    )


def _score(
    name: str,
    identity: str,
    configuration: Configuration,
    judged: Judged,
    part: str | None,
    workload: str | None,
) -> Score:
    return Score(
        kind="property",
        id=identity,
        title=TITLES[name],
        part=part,
        interpreter=configuration.name,
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
