"""Charts as values: a name, a title, sentences for readers who do not see it, its table, and its drawing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from gilbench.render.figures import short
from gilbench.render.guard import printable
from gilbench.render.page import Column, Entry, Section, Table

Record = dict[str, Any]  # one mark of a chart, by field


class Chart(NamedTuple):
    """One chart."""

    name: str  # for --chart, unique within a result
    title: str
    summary: str  # what it shows, and how to read it
    table: Table  # the values that it shows
    draw: Callable[[], str]  # returns the SVG
    live: Callable[[], Record] | None = (
        None  # returns what the script of a page draws instead, with its "kind"
    )
    links: Mapping[str, str] = MappingProxyType({})  # places of the page that marks lead to, by description


def with_names(charts: Iterable[Chart]) -> Iterator[Chart]:
    """Yield charts with unique names of letters, digits, and hyphens."""
    used: set[str] = set()
    for chart in charts:
        plain = re.sub("[^a-z0-9]+", "-", chart.name.lower()).strip("-")[:60] or "chart"
        name = _free(plain, used)
        used.add(name)
        yield chart._replace(name=name)


def labels(names: Iterable[str], longest: int = 48) -> dict[str, str]:
    """Return a label for each name: printable, not too long, and unique."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for name in dict.fromkeys(names):
        found[name] = _free(printable(short(name, longest)), used)
        used.add(found[name])
    return found


def series_of(rows: Iterable[Record], among: Iterable[str]) -> list[str]:
    """Return the series that some records have, in the order of all."""
    found = {row["series"] for row in rows}
    return [name for name in among if name in found]


def _free(name: str, used: set[str]) -> str:
    """Return a name that is not used, with a number if necessary."""
    free, number = name, 2
    while free in used:
        free, number = f"{name}-{number}", number + 1
    return free


def table_of_chart(titles: Sequence[str], rows: Iterable[Sequence[Entry]], texts: int = 1) -> Table:
    """Return the table of a chart.

    Args:
        titles: Titles of the columns.
        rows: Entries of each row.
        texts: Number of columns with texts, which come first.
    """
    columns = (
        Column(title, "left" if number < texts else "right", folds=number < texts)
        for number, title in enumerate(titles)
    )
    return Table("", tuple(columns), (Section(tuple(tuple(row) for row in rows)),))
