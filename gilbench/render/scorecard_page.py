"""The page of a scorecard: claims and requirements, with a column for each interpreter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from gilbench.model.scores import Score, Scorecard, Verdict, bases, flat
from gilbench.render.figures import SENTENCE, figure_within, processors, short
from gilbench.render.page import Column, Entry, Page, Part, Section, Sentences, Table, Text, Tone
from gilbench.render.started import started

SCHEMA = 1
HOW_TO_READ = (
    "Each cell has the verdict, and the value behind it with its 95% interval. [1] marks a footnote. "
    "To measure one alone: gilbench run --workload NAME; names are below the table."
)
_CELL = 13  # characters per line, if no word is longer
_AS_IT_SHOULD_BE = frozenset({"holds", "yes"})
_LABELS = {"not here": "n/a"}
_TONES: dict[str, Tone] = {
    "yes": "good",
    "partly": "warning",
    "no": "bad",
    "inconclusive": "warning",
    "not seen": "warning",
    "not here": "faint",
    "hangs": "bad",
    "crashes": "bad",
    "fails": "bad",
}


class _Notes(dict[str, int]):
    """Numbers of the footnotes. Equal reasons share a number."""

    def number(self, reason: str | None) -> int | None:
        return None if reason is None else self.setdefault(reason, len(self) + 1)


def scorecard_page(card: Scorecard) -> Page:
    """Lay out a scorecard."""
    host = card.host
    both = {"claim": card.claims, "property": card.properties}
    return Page(
        title=f"gilbench {card.gilbench}: scorecard of the GIL",
        lead=(
            f"{host.cpu_model}, {processors(host)}, {host.system} {host.kernel}, {card.created}",
            *started(card.interpreters),
            Text(HOW_TO_READ, "faint"),
        ),
        parts=(
            *_parts("Claims about the GIL", card.claims),
            *_parts("Requirements for a replacement", card.properties),
        ),
        document={
            "schema": SCHEMA,
            "kind": "scorecard",
            "gilbench": card.gilbench,
            "created": card.created,
            "host": host,
            "interpreters": card.interpreters,
            "claims": [flat(score) for score in card.claims],
            "properties": [flat(score) for score in card.properties],
            "bases": bases((*card.claims, *card.properties)),
        },
        rows=({"kind": kind, **flat(score)} for kind, scores in both.items() for score in scores),
    )


def _parts(title: str, scores: Sequence[Score]) -> Iterator[Part]:
    if not scores:
        return
    columns = list(dict.fromkeys(score.interpreter for score in scores))
    by_name: dict[str, dict[str, list[Score]]] = {}
    for score in scores:
        by_name.setdefault(_name(score.id), {}).setdefault(score.id, []).append(score)
    notes = _Notes()
    yield Table(
        title=title,
        columns=(Column("", "left", least=20, folds=True), *map(Column, columns)),
        sections=tuple(_section(name, by_id, columns, notes) for name, by_id in by_name.items()),
        notes=tuple(
            Text(f"[{number}] {short(reason, SENTENCE)}", "faint") for reason, number in notes.items()
        ),
    )
    yield Sentences(f"{title}: measured values", tuple(_bases(scores)), folded=True)


def verdict_label(verdict: Verdict) -> str:
    """Return how pages call a verdict."""
    return _LABELS.get(verdict, verdict)


def place_of(identity: str) -> str:
    """Return the place of a claim or property on a page, of letters, digits, and hyphens."""
    name = re.sub("[^A-Za-z0-9]", "-", _name(identity))
    return f"experiment-{name}"


def _name(identity: str) -> str:
    return identity.partition(".")[0]


def _section(name: str, by_id: dict[str, list[Score]], columns: Sequence[str], notes: _Notes) -> Section:
    rows: list[tuple[Entry, ...]] = []
    for identity, scores in by_id.items():
        # The reasons of the parts explain the overall verdict.
        own = None if identity == name and len(by_id) > 1 else notes
        cells = {score.interpreter: _cell(score, own) for score in scores}
        label = Text("overall", "strong") if scores[0].part is None else scores[0].part
        rows.append((label, *(cells.get(column, "-") for column in columns)))
    title = next(iter(by_id.values()))[0].title
    heading = f"({name}) {title}" if name.isdecimal() else title
    return Section(tuple(rows), heading, place_of(name))


def _cell(score: Score, notes: _Notes | None) -> Text:
    # A good verdict needs no footnote. JSON contains all reasons.
    reason = None if score.verdict in _AS_IT_SHOULD_BE else score.reason
    number = None if notes is None else notes.number(reason)
    texts = [verdict_label(score.verdict) + (f" [{number}]" if number is not None else "")]
    if score.figure is not None:
        texts.append(figure_within(score.figure, score.lo, score.hi, score.unit or "1"))
    lines = (line for text in texts for line in ([text] if len(text) <= _CELL else text.rsplit(" ", 1)))
    return Text("\n".join(lines), _TONES.get(score.verdict, "plain"))


def _bases(scores: Sequence[Score]) -> Iterator[str]:
    """Describe the values. Parts of a claim or property with the same kind of value share a line."""
    for name, group in groupby(bases(scores), key=lambda basis: _name(basis.id)):
        mine = list(group)
        parts = [basis for basis in mine if basis.id != name or len({one.id for one in mine}) == 1]
        identities = dict.fromkeys(basis.id for basis in parts)
        shared: dict[tuple[str, str | None], list[str]] = {}
        for identity in identities:
            own = [basis for basis in parts if basis.id == identity]
            measured = ", or ".join(dict.fromkeys(basis.measured for basis in own if basis.measured))
            if measured:
                shared.setdefault((measured, own[0].workload), []).append(identity)
        for (measured, workload), found in shared.items():
            several = [found[0], *(identity.partition(".")[2] for identity in found[1:])]
            label = name if len(found) == len(identities) else ", ".join(several)
            alone = f" ({workload})" if workload and workload not in measured else ""
            yield f"{label}: {measured}{alone}"
