"""A scorecard: claims about the GIL, and requirements for a replacement, each with its verdict.

``None`` means "unknown" or "not measured", never zero. Fractions are 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from gilbench.model.study import Failure, Host, Interpreter, Name, Number, Struct

Kind = Literal["claim", "property"]
Verdict = Literal[
    "holds",  # of a claim
    "does not hold",
    "yes",  # of a property
    "partly",  # parts disagree; of a claim, too
    "no",
    "inconclusive",  # the interval straddles the limit
    "not seen",  # nothing happened, but neither did it where it was certain to: the test cannot tell
    "not here",  # not applicable to this interpreter or host
    "hangs",  # the experiment timed out, for example in a deadlock
    "crashes",  # the experiment crashed the interpreter
    "fails",  # the experiment ended with an error or a wrong result
]
COLUMNS = (
    "id",
    "title",
    "interpreter",
    "verdict",
    "figure",
    "unit",
    "lo",
    "hi",
    "reason",
    "workload",
)


class Configuration(Struct, frozen=True):
    """An interpreter and its GIL mode."""

    name: str  # its name in tables: 3.11, 3.13t GIL on
    interpreter: Interpreter
    gil: bool | None  # forced on or off; None: the interpreter's default


class Outcome(Struct, frozen=True):
    """The answer of one experiment in one configuration, its failure, or the reason why it was not run."""

    id: str
    configuration: str
    figures: dict[str, Any] | None = None
    failure: Failure | None = None
    absent: str | None = None


class HeaderLines(NamedTuple):
    """Lines of code of public C headers, without comments and empty lines."""

    lines: int
    conditional: int  # lines in a branch whose condition names Py_GIL_DISABLED, with its directives
    files: int
    conditional_files: int  # files with at least one conditional line


class Experiments(Struct, frozen=True):
    """The outcomes of all experiments of the properties."""

    configurations: tuple[Configuration, ...]
    outcomes: tuple[Outcome, ...]
    headers: dict[str, HeaderLines | None]  # by configuration; None: no public headers


class Score(Struct, frozen=True):
    """One cell of the scorecard: one claim or property, or one experiment of it, on one interpreter.

    Scores of one claim or property share a ``title`` and the start of their ``id``. ``2`` is claim 2 overall, and
    ``2.sha256`` is one of its experiments. ``features.resurrection`` is an experiment of the property ``features``.
    """

    kind: Kind
    id: Name
    title: str  # of the claim or property
    interpreter: Name  # name of the configuration: 3.11, 3.13t GIL on
    verdict: Verdict
    part: str | None = None  # title of the experiment; None: overall
    measured: str | None = None  # meaning of ``figure``, for example "speedup of countdown on 2 threads"
    figure: Number | None = None
    unit: str | None = None  # as in metrics: x, 1/s, s, B, fraction, 1
    lo: Number | None = None  # 95% interval
    hi: Number | None = None
    reason: str | None = None  # of the verdict, or how to get one: one sentence
    workload: str | None = None  # a workload that measures it alone


class Scorecard(Struct, frozen=True):
    """The scores of some interpreters on one host."""

    gilbench: str
    created: str  # creation time of the study of the claims, ISO 8601, UTC
    host: Host
    interpreters: tuple[Interpreter, ...]
    claims: tuple[Score, ...]
    properties: tuple[Score, ...] = ()


class Basis(Struct, frozen=True):
    """The meaning of a score's figures, and the interpreters that it applies to."""

    id: str
    part: str | None
    measured: str | None
    workload: str | None
    interpreters: tuple[str, ...]


def bases(scores: Iterable[Score]) -> tuple[Basis, ...]:
    """Collect the fields of scores that ``flat`` omits."""
    found: dict[tuple[str, str | None, str | None, str | None], list[str]] = {}
    for score in scores:
        key = score.id, score.part, score.measured, score.workload
        found.setdefault(key, []).append(score.interpreter)
    return tuple(
        Basis(id=identity, part=part, measured=measured, workload=workload, interpreters=tuple(names))
        for (identity, part, measured, workload), names in found.items()
    )


def flat(score: Score) -> dict[str, Any]:
    """Return a score as a flat row of exactly ``COLUMNS``, with its part in the title."""
    row: dict[str, Any] = {name: getattr(score, name) for name in COLUMNS}
    if score.part is not None:
        row["title"] = f"{score.title}: {score.part}"
    return row
