"""The scorecard as every output shows it: rows of claims or properties, a column for each interpreter, footnotes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gilbench.render.figures import figure_within
from gilbench.scores import Score

WHOLE = "as a whole"
_AS_IT_SHOULD_BE = frozenset({"holds", "yes"})


class Entry(NamedTuple):
    """One cell: its verdict, its figure if there is one, and the number of its footnote."""

    verdict: str
    figure: str | None
    note: int | None


class Row(NamedTuple):
    """One experiment, or what all of a claim say together."""

    id: str
    label: str
    entries: dict[str, Entry]  # by column


class Group(NamedTuple):
    """One claim or property."""

    name: str  # before the dot of the ids
    title: str
    rows: tuple[Row, ...]


class Basis(NamedTuple):
    """What the figures of a row are, and what can be run alone to see them."""

    id: str
    measured: str
    workload: str | None


class Sheet(NamedTuple):
    """One table: of the claims, or of the properties."""

    title: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]  # the first is number 1
    bases: tuple[Basis, ...]


class _Notes(dict[str, int]):
    """Numbers of the footnotes; equal reasons share one."""

    def number(self, reason: str | None) -> int | None:
        return None if reason is None else self.setdefault(reason, len(self) + 1)


def make_sheet(title: str, scores: Sequence[Score]) -> Sheet:
    """Arrange the scores of one kind."""
    by_name: dict[str, dict[str, list[Score]]] = {}
    for score in scores:
        by_name.setdefault(score.id.partition(".")[0], {}).setdefault(score.id, []).append(score)
    notes = _Notes()
    groups = tuple(_group(name, list(by_id.items()), notes) for name, by_id in by_name.items())
    return Sheet(
        title=title,
        columns=tuple(dict.fromkeys(score.interpreter for score in scores)),
        groups=groups,
        notes=tuple(notes),
        bases=tuple(_bases(by_name)),
    )


def _bases(by_name: Mapping[str, Mapping[str, Sequence[Score]]]) -> Iterator[Basis]:
    """What the figures are; parts of one group whose figures are of one kind share a line."""
    for name, by_id in by_name.items():
        parts = {key: scores for key, scores in by_id.items() if key != name or len(by_id) == 1}
        shared: dict[tuple[str, str | None], list[str]] = {}
        for key, scores in parts.items():
            kinds = dict.fromkeys(score.measured for score in scores if score.measured is not None)
            if kinds:
                shared.setdefault((", or ".join(kinds), scores[0].workload), []).append(key)
        for (measured, workload), keys in shared.items():
            several = [keys[0], *(key.partition(".")[2] for key in keys[1:])]
            yield Basis(name if len(keys) == len(parts) else ", ".join(several), measured, workload)


def _group(name: str, rows: Sequence[tuple[str, list[Score]]], notes: _Notes) -> Group:
    made = []
    for identity, scores in rows:
        # What a whole has to say, its parts say with their footnotes.
        own = None if identity == name and len(rows) > 1 else notes
        entries = {score.interpreter: _entry(score, own) for score in scores}
        made.append(Row(identity, scores[0].part or WHOLE, entries))
    return Group(name, rows[0][1][0].title, tuple(made))


def _entry(score: Score, notes: _Notes | None) -> Entry:
    figure = None
    if score.figure is not None:
        figure = figure_within(score.figure, score.lo, score.hi, score.unit or "1")
    # As it should be needs no footnote; JSON has the reasons of all.
    reason = None if score.verdict in _AS_IT_SHOULD_BE else score.reason
    return Entry(score.verdict, figure, None if notes is None else notes.number(reason))
