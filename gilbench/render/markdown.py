"""Writes pages as Markdown for GitHub.

A word that could be markup, HTML, a link, a mention, or a reference is written as code. All other words are written
unchanged. Text from outside therefore has no meaning in Markdown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, groupby
from operator import itemgetter
from typing import TextIO

from gilbench.render.guard import printable
from gilbench.render.page import Bar, Entry, Lines, Page, Part, Plot, Table, Text
from gilbench.render.plot import plot_sweep

_PLAIN = re.compile(r"(?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[.,;:()%±+\-/\u00d7∞'\"!?…\u2013=])*")
_NOTE = re.compile(r"\[\d{1,4}\]")  # the number of a footnote
_MEANS = re.compile(
    r"://|::|^www\.|^gh-\d|^[0-9a-f]{7,40}$|:\w+:", re.IGNORECASE
)  # a link, a reference, an emoji
_BEGINS = re.compile(r"(\d+[.)]|[-+=]+)$")  # at the start of a line: a list, or a heading
_FRAME = 600  # characters around the rows of a table
_ICONS = {"good": "✅ ", "bad": "❌ ", "warning": "⚠️ "}
_MARKS = {"strong": "**", "bad": "**"}


def write_markdown(page: Page, file: TextIO) -> None:
    """Write a page."""
    lines, tables = list(_head(page)), sum(isinstance(part, Table) for part in page.parts)
    room = math.inf
    if page.longest is not None:
        rest = (line for part in page.parts if not isinstance(part, Table) for line in _part(part, room))
        room = page.longest - _size([*lines, *rest]) - _FRAME * tables
    for part in page.parts:
        made = list(_part(part, room))
        if isinstance(part, Table):
            room -= max(0, _size(made) - _FRAME)
        lines += made
    file.write("\n".join(lines).rstrip() + "\n")


def inert(text: str) -> str:
    """Return a text without markup, with white space collapsed."""
    words = printable(" ".join(text.split())).split(" ")
    plain = [_is_plain(word) for word in words]
    plain[0] = plain[0] and not _BEGINS.match(words[0])
    spans = []
    for safe, pairs in groupby(zip(plain, words, strict=True), key=itemgetter(0)):
        span = " ".join(word for _, word in pairs)
        spans.append(span if safe or not span else code(span))
    return " ".join(spans)


def _is_plain(word: str) -> bool:
    return bool(_NOTE.fullmatch(word) or (_PLAIN.fullmatch(word) and not _MEANS.search(word)))


def code(text: str) -> str:
    """Return a code span with a text of one line, which may contain backticks.

    A bar becomes a broken bar, since renderers disagree on escaped bars in tables.
    """
    safe = text.replace("|", "\N{BROKEN BAR}")
    fence = "`" * (max(map(len, re.findall("`+", safe)), default=0) + 1)
    pad = " " if safe[:1] in {"`", " "} or safe[-1:] in {"`", " "} else ""
    return f"{fence}{pad}{safe or '-'}{pad}{fence}"


def _head(page: Page) -> Iterator[str]:
    title = _entry(page.title)
    if title:
        icon = _ICONS.get(page.title.tone, "") if isinstance(page.title, Text) else ""
        yield from (f"# {icon}{title.replace('**', '')}", "")
    for line in page.lead:
        yield from (_entry(line), "")


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _part(part: Part, room: float) -> Iterator[str]:
    if isinstance(part, Lines):
        for item in part.items:
            yield from (_entry(item), "")
        return
    folded = not isinstance(part, Plot) and part.folded
    if part.title:
        title = inert(part.title)
        yield from ("<details>", f"<summary>{title}</summary>", "") if folded else (f"## {title}", "")
    if isinstance(part, Table):
        yield from _table(part, room)
    elif isinstance(part, Plot):
        drawn = plot_sweep(
            {printable(name): points for name, points in part.series.items()},
            part.units,
            from_zero=part.from_zero,
        )
        yield from ("```text", drawn.plain.replace("```", "'''"), "```", "")
    else:
        yield from (*(f"- {_entry(item)}" for item in part.items), "")
    if part.title and folded:
        yield from ("</details>", "")


def _table(table: Table, room: float) -> Iterator[str]:
    """Yield the lines of a table, with as many rows as fit into some characters."""
    shown = [index for index, column in enumerate(table.columns) if column.shown != "narrow"]
    yield _row([inert(table.columns[index].title) for index in shown])
    yield _row(["---" if table.columns[index].align == "left" else "---:" for index in shown])
    rows = list(_rows(table, shown))
    fitting = [
        row for row, size in zip(rows, accumulate(len(row) + 1 for row in rows), strict=True) if size <= room
    ]
    yield from (*fitting, "")
    if len(fitting) < len(rows):
        yield from (f"and {len(rows) - len(fitting)} more rows, omitted for lack of space", "")
    for note in table.notes:
        yield from (_entry(note), "")


def _rows(table: Table, shown: list[int]) -> Iterator[str]:
    for section in table.sections:
        if section.heading:
            heading = _entry(section.heading).replace("**", "")
            yield _row([f"**{heading}**", *[""] * (len(shown) - 1)])
        for row in section.rows:
            yield _row([_cell(row[index]) for index in shown])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(entry: Entry) -> str:
    return "-" if entry == "-" else _entry(entry)  # a cell cannot start a list


def _entry(entry: Entry) -> str:
    if isinstance(entry, Bar):
        return entry.text
    text, tone = (entry.text, entry.tone) if isinstance(entry, Text) else (entry, "plain")
    mark = _MARKS.get(tone, "") if text else ""
    return f"{mark}{inert(text)}{mark}"
