"""Writes pages for a terminal, readable at 80 columns and without color."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.table import Table as RichTable
from rich.text import Text as RichText

from gilbench.render.console import PlainConsole
from gilbench.render.guard import printable
from gilbench.render.page import Bar, Column, Entry, Lines, Page, Part, Plot, Sentences, Table, Text
from gilbench.render.plot import plot_sweep

WIDE = 110  # columns of a wide terminal
_WORD = 16  # maximum width that a wrapped column reserves for a word
_STYLES = {"plain": "", "strong": "bold", "faint": "dim", "good": "green", "bad": "red", "warning": "yellow"}


def write_terminal(page: Page, file: TextIO) -> None:
    """Print a page.

    Args:
        page: The page.
        file: The output file; if it is a terminal, its width is used.
    """
    show(page, PlainConsole(file=file))


def show(page: Page, console: Console) -> None:
    """Print a page on a console."""
    head: list[RenderableType] = [styled(page.title, "strong")] if page.title else []
    head += map(styled, page.lead)
    for drawn in [*head, *([RichText()] if head else [])]:
        _draw(console, drawn)
    for part in page.parts:
        for drawn in (*renderables(part, console.width), RichText()):
            _draw(console, drawn)
    if page.closing:
        _draw(console, styled(page.closing, "strong"))


def _draw(console: Console, drawn: RenderableType) -> None:
    console.print(Segments(_without_padding(console, drawn)), end="")


def _without_padding(console: Console, drawn: RenderableType) -> Iterator[Segment]:
    """Draw with rich, and remove spaces at the ends of lines."""
    for line in console.render_lines(drawn, pad=False):
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            text, style, control = line.pop()
            line.append(Segment(text.rstrip(), style, control))
        yield from line
        yield Segment.line()


def renderables(part: Part, width: int) -> Iterator[RenderableType]:
    """Yield what rich needs to draw a part in some columns."""
    if isinstance(part, Table):
        yield from _tables(part, width)
    elif isinstance(part, Plot):
        yield styled(part.title, "strong")
        yield plot_sweep(
            {printable(name): points for name, points in part.series.items()},
            part.units,
            from_zero=part.from_zero,
        )
    elif isinstance(part, Sentences):
        yield styled(part.title, part.tone)
        for item in part.items:
            yield Padding(styled(item), (0, 0, 0, 2))
    elif isinstance(part, Lines):
        yield Group(*map(styled, part.items))


def styled(entry: Entry, tone: str = "plain") -> RichText:
    """Return an entry as a rich text, without markup and control characters."""
    if isinstance(entry, Bar):
        return RichText(entry.text)
    text, own = _text(entry)
    lines = [RichText(printable(line)) for line in text.split("\n")]
    joined = RichText("\n").join(lines)
    joined.stylize(_STYLES[own if own != "plain" else tone])
    return joined


def _text(entry: Entry) -> tuple[str, str]:
    if isinstance(entry, Bar):
        return "", "plain"
    return (entry.text, entry.tone) if isinstance(entry, Text) else (entry, "plain")


def _tables(table: Table, width: int) -> Iterator[RenderableType]:
    kind = "wide" if width >= WIDE else "narrow"
    shown = [index for index, column in enumerate(table.columns) if column.shown in {"always", kind}]
    if table.title:
        yield styled(table.title, "strong")
    gap = _gap(table, shown, width - 1)
    for number, part in enumerate(_parts(table, shown, width - 1, gap)):
        if number:
            yield styled("continued", "faint")
        yield Padding(Group(*_table(table, part, width - 1, gap)), (0, 0, 0, 1))
    for note in table.notes:
        yield styled(note, "faint")


def _gap(table: Table, shown: Sequence[int], width: int) -> int:
    """Return the number of spaces between columns: two, if there is room."""
    natural = sum(_width(table, index) + 2 for index in shown) - 2
    return 2 if _indent(table) + natural <= width else 1


def _parts(table: Table, shown: Sequence[int], width: int, gap: int) -> Iterator[list[int]]:
    """Yield parts of the columns that fit into the width, about equally long, each with the label columns."""
    if not shown:
        return
    keys = [index for index in shown if index == shown[0] or table.columns[index].repeats]
    rest = [index for index in shown if index not in keys]
    room = width - _indent(table) - sum(_least(table, index) + gap for index in keys) + gap
    widths = [_least(table, index) + gap for index in rest]
    parts = 1
    while parts < len(rest) and any(sum(widths[slice(*edges)]) > room for edges in _edges(len(rest), parts)):
        parts += 1
    for begin, end in _edges(len(rest), parts):
        yield [*keys, *rest[begin:end]]


def _edges(count: int, parts: int) -> list[tuple[int, int]]:
    return [(count * part // parts, count * (part + 1) // parts) for part in range(parts)]


def _width(table: Table, index: int, ends: str = r"\n") -> int:
    """Return the width of the longest text of a column, split at line ends or at another pattern."""
    entries = [row[index] for section in table.sections for row in section.rows]
    texts = [table.columns[index].title, *(_text(entry)[0] for entry in entries)]
    bars = [entry.length for entry in entries if isinstance(entry, Bar)]
    return max(*bars, 0, *(cell_len(printable(piece)) for text in texts for piece in re.split(ends, text)))


def _least(table: Table, index: int) -> int:
    """Return the minimum width of a column: its longest line or, if it wraps, its longest word."""
    column = table.columns[index]
    needed = min(_WORD, _width(table, index, r"\s")) if column.folds else _width(table, index)
    return max(column.least, needed)


def _indent(table: Table) -> int:
    return 2 if any(section.heading for section in table.sections) else 0


def _widths(table: Table, indexes: Sequence[int], width: int, gap: int) -> list[int]:
    """Return the width of each column: its minimum, plus a share of the remaining width if it wraps."""
    least = [_least(table, index) for index in indexes]
    lacking = [
        max(0, _width(table, index) - have) if table.columns[index].folds else 0
        for index, have in zip(indexes, least, strict=True)
    ]
    least[0] += _indent(table)
    room = width - sum(least) - gap * (len(least) - 1)
    share = min(1.0, max(0, room) / max(1, sum(lacking)))
    widths = [have + int(lack * share) for have, lack in zip(least, lacking, strict=True)]
    while sum(widths) + gap * (len(widths) - 1) > max(width, 2 * len(widths)):
        widths[widths.index(max(widths))] -= 1
    return widths


def _table(table: Table, indexes: Sequence[int], width: int, gap: int) -> Iterator[RenderableType]:
    """Yield some columns of a table: the head, and each section below its heading, which spans all columns."""
    columns = [table.columns[index] for index in indexes]
    widths = _widths(table, indexes, width, gap)
    if any(column.title for column in columns):
        lines = max(column.title.count("\n") for column in columns)
        titles = ("\n" * (lines - column.title.count("\n")) + column.title for column in columns)
        yield _grid(columns, widths, [[styled(title, "strong") for title in titles]], gap)
        yield RichText("─" * (sum(widths) + gap * (len(widths) - 1)), "dim")
    for number, section in enumerate(table.sections):
        if number:
            yield RichText()
        if section.heading:
            yield styled(section.heading, "strong")
        rows = [[styled(row[index]) for index in indexes] for row in section.rows]
        indent = 2 if section.heading else 0
        yield _grid(
            columns, widths, [[Padding(label, (0, 0, 0, indent)), *rest] for label, *rest in rows], gap
        )


def _grid(
    columns: Sequence[Column], widths: Sequence[int], rows: Sequence[Sequence[RenderableType]], gap: int
) -> RichTable:
    made = RichTable.grid(padding=(0, gap, 0, 0), pad_edge=False)
    for column, width in zip(columns, widths, strict=True):
        made.add_column(justify=column.align, width=width, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made
