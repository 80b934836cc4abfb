"""Writes a page of one screen: the parts that have a rank, as far as they fit, and how to see the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, RenderableType

from gilbench.render.console import PlainConsole
from gilbench.render.page import Entry, Lines, Page, Part, Plot, Sentences, Table, Text
from gilbench.render.terminal import renderables, show, styled

_LEAST, _MOST = 22, 38  # lines, whatever the height of the terminal
_PROMPT = 2  # lines below the page: of the saved file, and of the shell
_SHARES = {0: 0.4, 1: 0.65, 2: 0.4}  # of the free lines, by rank, if the parts behind need the others


def write_screen(page: Page, file: TextIO, more: str) -> None:
    """Print the first screen of a page.

    Args:
        page: The page.
        file: The output file; if it is a terminal, its size is used.
        more: The command that shows the whole page.
    """
    console = PlainConsole(file=file)
    show(screen_of(page, console, more), console)


def screen_of(page: Page, console: Console, more: str) -> Page:
    """Return the part of a page that fits on one screen."""
    short = page._replace(lead=page.lead[:1], parts=(), closing=_closing(page, page.parts, more))
    head = [short.title, *short.lead, short.closing]
    height = max(_LEAST, console.height - _PROMPT) if console.is_terminal else _MOST
    room = min(height, _MOST) - _height(console, map(styled, head)) - 1
    ranked = sorted(
        (rank, place) for place, part in enumerate(page.parts) if (rank := _rank(part)) is not None
    )
    fitting: dict[int, Part] = {}
    for number, (rank, place) in enumerate(ranked):
        behind = sum(_lines_of(page.parts[other], console) for _, other in ranked[number + 1 :])
        part = _fitted(page.parts[place], max(int(room * _SHARES.get(rank, 1.0)), room - behind), console)
        if part is not None:
            fitting[place] = part
            room -= _lines_of(part, console)
    hidden = [part for place, part in enumerate(page.parts) if place not in fitting]
    parts = tuple(part for _, part in sorted(fitting.items()))
    return short._replace(parts=parts, closing=_closing(page, hidden, more))


def _rank(part: Part) -> int | None:
    return None if isinstance(part, Lines) else part.rank


def _closing(page: Page, hidden: Iterable[Part], more: str) -> Entry:
    hidden = list(hidden)
    tables = sum(isinstance(part, Table | Plot) for part in hidden)
    left = [part for part in hidden if isinstance(part, Sentences) and part.rank is not None]
    parts = [f"{tables} more tables and plots"] if tables > 1 else []
    parts += [_counted(len(part.items), part.title.lower()) for part in left]
    what = ", ".join(parts) or "The whole report"
    return Text(f"{what}: {more}, or run with --full", "strong") if page.parts else ""


def _counted(number: int, things: str) -> str:
    return f"{number} {things if number != 1 else things.removesuffix('s')}"


def _height(console: Console, drawn: Iterable[RenderableType]) -> int:
    return sum(len(console.render_lines(one, pad=False)) for one in drawn)


def _lines_of(part: Part, console: Console) -> int:
    """Return the lines of a part, and of the space below it."""
    return _height(console, renderables(part, console.width)) + 1


def _fitted(part: Part, room: int, console: Console) -> Part | None:
    """Return a part with as many rows or sentences as fit into some lines; None: with none."""
    for count in range(min(_count(part), max(room, 1)), 0, -1):
        cut = _cut(part, count)
        if _lines_of(cut, console) <= room:
            return cut
    return None


def _count(part: Part) -> int:
    if isinstance(part, Table):
        return sum(len(section.rows) for section in part.sections)
    return len(part.items) if isinstance(part, Sentences) else 1


def _cut(part: Part, count: int) -> Part:
    """Return a part with its first rows or sentences, and a line that counts the others."""
    left = _count(part) - count
    if not left:
        return part
    more = Text(f"and {left} more", "faint")
    if isinstance(part, Sentences):
        return part._replace(items=(*part.items[:count], more))
    if isinstance(part, Table):
        sections = []
        for section in part.sections:
            if count > 0:
                sections.append(section._replace(rows=section.rows[:count]))
            count -= len(section.rows)
        return part._replace(sections=tuple(sections), notes=(*part.notes, more))
    return part
