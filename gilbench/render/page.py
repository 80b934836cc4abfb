"""Pages: titles, leads, tables, plots, and sentences as data, which writers turn into formats.

There is one page for each kind of result, independent of formats. Every text in it may come from outside, such as the
name of a workload or a file. Writers escape it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

Tone = Literal["plain", "strong", "faint", "good", "bad", "warning"]
Align = Literal["left", "right"]
Shown = Literal[
    "always", "wide", "narrow"
]  # wide: only in a terminal wider than 80 columns; narrow: otherwise
_SOLID, _SHADED = "\N{FULL BLOCK}", "\N{MEDIUM SHADE}"


class Text(NamedTuple):
    """A text with a tone. Line feeds separate the lines of a cell."""

    text: str
    tone: Tone = "plain"


class Bar(NamedTuple):
    """A bar in a table, for a histogram or a chart."""

    share: float  # of the longest bar, 0 to 1; of a bar with an interval, its lower end
    upper: float | None = None  # upper end of the interval, likewise; None: no interval
    length: int = 24  # characters of the longest bar

    @property
    def text(self) -> str:
        """The bar in characters, at least one."""
        solid, end = (round(share * self.length) for share in (self.share, self.upper or 0.0))
        if self.upper is None:
            return _SOLID * max(1, solid)
        return (_SOLID * solid + _SHADED * (end - solid)) or _SHADED


Entry = str | Text | Bar


class Column(NamedTuple):
    """One column of a table."""

    title: str = ""
    align: Align = "right"
    shown: Shown = "always"
    least: int = 0  # minimum width in characters
    folds: bool = False  # long entries are wrapped
    repeats: bool = False  # also labels the rows: repeated if the columns continue below


class Section(NamedTuple):
    """Rows under a heading, separated from the next section by a line."""

    rows: tuple[tuple[Entry, ...], ...]  # one entry per column
    heading: Entry = ""
    place: str = ""  # ID on the page, for links from charts


class Table(NamedTuple):
    """A table. The first column labels the rows.

    Columns that do not fit into the width continue below, with the columns that label the rows.
    """

    title: str
    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    notes: tuple[Entry, ...] = ()  # lines below it
    folded: bool = False  # collapsed in formats that support it
    rank: int | None = None  # on a page of one screen: 0 gets its lines first; None: only on the whole page


Point = tuple[float, ...]  # x and y; and if known, both ends of the 95% interval of y


class Plot(NamedTuple):
    """Several series on one axis."""

    title: str
    series: Mapping[str, tuple[Point, ...]]  # by name
    units: tuple[str, str]  # of x and y, as in metrics
    rank: int | None = None  # as of a table
    from_zero: bool = False  # the y axis begins at 0, as of shares


class Sentences(NamedTuple):
    """Sentences under a title: findings, warnings, footnotes."""

    title: str
    items: tuple[Entry, ...]
    tone: Tone = "strong"  # of the title
    folded: bool = False
    rank: int | None = None  # as of a table


class Lines(NamedTuple):
    """Lines without a title."""

    items: tuple[Entry, ...]


Part = Table | Plot | Sentences | Lines


class Page(NamedTuple):
    """A result, ready for any writer."""

    title: Entry
    lead: tuple[Entry, ...]  # lines below the title: the host, the effort, how to read the page
    parts: tuple[Part, ...]
    document: Mapping[str, Any]  # for programs: the JSON document, whose fields are stable
    rows: Iterable[Mapping[str, Any]] = ()  # for spreadsheets: flat rows with the same keys, read once
    closing: Entry = ""  # last line in a terminal, where the title may have scrolled away
    longest: int | None = None  # maximum length in Markdown; the last tables are truncated first
