"""The nouns of the scorecard: what is said about the GIL, and what a replacement must have, each with its verdict.

``None`` always means "not known" or "not taken", never zero; fractions are 0 to 1.
"""

from __future__ import annotations

from typing import Any, Literal

from gilbench.model import Header, Name, Number, Struct

Kind = Literal["claim", "property"]
Verdict = Literal[
    "holds",  # of a claim
    "does not hold",
    "yes",  # of a property
    "partly",
    "no",
    "inconclusive",  # the interval straddles the limit
    "not here",  # this interpreter, or this host, has nothing to measure it with
    "hangs",  # the experiment did not end within its time; a deadlock is one
    "crashes",  # the interpreter died in it
    "fails",  # it ended with an error, or with a wrong result
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


class Score(Struct, frozen=True):
    """One cell of the scorecard: one claim or property, or one part of it, on one interpreter.

    What belongs together has one ``title`` and an ``id`` with the same beginning. ``2`` is claim 2 as a whole and
    ``2.sha256`` one experiment of it; ``features.resurrection`` is one of the property ``features``.
    """

    kind: Kind
    id: Name
    title: str  # the claim or property, as it is said
    interpreter: Name  # its column: 3.11, 3.13t GIL on
    verdict: Verdict
    part: str | None = None  # what of it was tried, in a few words; None: the whole
    measured: str | None = None  # what the figure is, e.g. "speed-up of countdown on 2 threads"
    figure: Number | None = None
    unit: str | None = None  # as in metrics: x, 1/s, s, B, fraction, 1
    lo: Number | None = None  # 95 % interval
    hi: Number | None = None
    reason: str | None = None  # why it is so, or why it is not here and how to get it: one sentence
    workload: str | None = None  # of the catalogue, or of the probe that can be run alone


class Scorecard(Struct, frozen=True):
    """Everything a renderer needs."""

    header: Header  # of the study that the claims were read from
    claims: tuple[Score, ...]
    properties: tuple[Score, ...] = ()


def flat(score: Score) -> dict[str, Any]:
    """A score for programs: exactly the columns, the part named in the title."""
    row: dict[str, Any] = {name: getattr(score, name) for name in COLUMNS}
    if score.part is not None:
        row["title"] = f"{score.title}: {score.part}"
    return row
