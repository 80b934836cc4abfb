"""Draws a table of threads that is updated in place, like ``top``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from gilbench.analyse.profile.segments import since
from gilbench.model.metrics import write
from gilbench.model.profile import Profile
from gilbench.render.live_rows import NAME, LiveRows, live_rows, orders
from gilbench.render.live_state import BUSIEST, HELP, KEYS, LiveState
from gilbench.render.page import Column, Section, Table
from gilbench.render.profile_page import facts, program
from gilbench.render.profile_threads import sortable, threads_table
from gilbench.render.terminal import renderables, styled

_FEWEST = 2  # rows of the table
_TYPING = "Enter applies it, Esc clears it"

_Lines = list[list[Segment]]


class LiveScreen:
    """Draws one profile after another on the alternate screen, and restores the terminal at the end.

    Each drawing replaces the previous one in one step, without flicker or scrolling.

    Args:
        console: Console of a terminal.
        without_keys: Why there are no keys; empty: there are.
    """

    def __init__(self, console: Console, without_keys: str = "") -> None:
        self._console, self._without_keys = console, without_keys
        self._live = Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop")
        self._latest: tuple[Profile, Profile | None] | None = None  # with the previous one
        self._shown: tuple[Profile, Profile | None] | None = None  # while paused, an earlier one
        self._drawn: tuple[LiveState, tuple[int, int]] | None = None

    def __enter__(self) -> Self:
        self.show()
        return self

    def __exit__(self, *_: object) -> None:
        self.hide()

    def show(self) -> None:
        """Switch to the alternate screen, unless it is there. Without it, ``draw`` does nothing."""
        if not self._live.is_started:
            self._live.start()
            self._drawn = None

    def hide(self) -> None:
        """Switch back."""
        self._live.stop()

    def abandon(self) -> None:
        """Switch back at once, also from a signal handler that interrupted a drawing; nothing can be drawn any more."""
        if self._live.is_started:
            text = f"{Control.alt_screen(enable=False)}{Control.show_cursor(show=True)}"
            with contextlib.suppress(OSError):  # the terminal was closed
                os.write(self._console.file.fileno(), text.encode("ascii"))

    @property
    def orders(self) -> tuple[str, ...]:
        """Orders in which the rows can be sorted."""
        return orders(self._latest[0]) if self._latest else (BUSIEST,)

    def receive(self, now: Profile) -> None:
        """Take the profile from the start to now."""
        self._latest = now, self._latest[0] if self._latest else None
        self._drawn = None

    def draw(self, state: LiveState) -> None:
        """Draw what the user chose, unless the screen shows it already."""
        wanted = state, self._console.size
        if self._latest is None or not self._live.is_started or self._drawn == wanted:
            return
        if self._shown is None or not state.paused:
            self._shown = self._latest
        self._live.update(live_view(state, *self._shown, self._without_keys), refresh=True)
        self._drawn = wanted


def live_view(
    state: LiveState, now: Profile, before: Profile | None, without_keys: str = ""
) -> RenderableType:
    """Return the view of a running program: the facts, and as many threads as there are lines.

    Args:
        state: What the user chose.
        now: The profile from the start to now.
        before: The previous profile; shares and rates are those since then. None: since the start.
        without_keys: Why there are no keys; empty: there are.
    """
    return _LiveView(state, now, before, without_keys)


class _LiveView:
    """Fills the height of the terminal: its last line has the keys."""

    def __init__(self, state: LiveState, now: Profile, before: Profile | None, without_keys: str) -> None:
        self._state, self._now, self._without_keys = state, now, without_keys
        self._last = since(now, before)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height, free = options.height or console.height, options.update(height=None)

        def draw(drawn: RenderableType) -> _Lines:
            return console.render_lines(drawn, free, pad=False)

        command = styled(" ".join(program(self._now).split()), "strong")
        command.no_wrap, command.overflow = True, "ellipsis"
        head = draw(Group(command, *map(styled, facts(self._now))))
        foot = draw(Group(*self._foot()))[-height:]
        room = max(height - len(head) - len(foot) - 1, 0)
        body = (
            draw(self._help(options.max_width)) if self._state.helping else self._fitted(room, draw, options)
        )
        above: _Lines = [*head, [], *body][: max(height - len(foot), 0)]
        blank: _Lines = [[] for _ in range(height - len(foot) - len(above))]
        for number, line in enumerate([*above, *blank, *foot]):
            if number:
                yield Segment.line()
            yield from line

    def _fitted(self, room: int, draw: Callable[[RenderableType], _Lines], options: ConsoleOptions) -> _Lines:
        """Draw the table with as many rows as fit into some lines."""
        chosen = live_rows(self._state, self._last)
        most = min(room, len(chosen.rows))
        while True:
            most = max(most, _FEWEST)
            drawn = draw(self._table(chosen, most, options.max_width))
            if len(drawn) <= room or most == _FEWEST:
                return drawn
            most -= len(drawn) - room

    def _table(self, chosen: LiveRows, most: int, width: int) -> Group:
        title = f"Threads (% of the last {write(self._last.duration, 's')}; longest since the start)"
        whole = "these threads" if self._state.filter else "all threads"
        table = threads_table(chosen.profile, most, title, rows=chosen.rows, whole=whole)
        none = (
            ()
            if chosen.rows or not self._state.filter
            else (Text(f" No thread's name contains {self._state.filter!r}."),)
        )
        return Group(*renderables(table, width), *(none if not chosen.rows else []))

    def _help(self, width: int) -> Group:
        columns = (Column(align="left"), Column(align="left", folds=True))
        return Group(*renderables(Table("Keys (any key: back)", columns, (Section(HELP),)), width))

    def _foot(self) -> Iterator[Text]:
        state, line = self._state, Text(no_wrap=True, overflow="ellipsis")
        if state.paused:
            line.append("Paused. ", "bold yellow")
        yield line.append(". ".join(_choice(state, sortable(self._last))), "dim")
        line = Text(no_wrap=True, overflow="ellipsis")
        if state.ended:
            yield line.append("The profile ends; its report follows.", "bold")
        elif state.typed is not None:
            yield line.append("Filter by name: ", "bold").append(f"{state.typed}_   ").append(_TYPING, "dim")
        elif self._without_keys:
            yield line.append(f"No keys: {self._without_keys}", "dim")
        else:
            for key, what in KEYS.items():
                line.append(key, "bold").append(f" {what}   ")
            yield line


def _choice(state: LiveState, titles: Mapping[str, str]) -> Iterator[str]:
    """Yield what the user chose, in words."""
    if state.order in titles:
        yield f"Sorted by {titles[state.order]}{', lowest first' if state.reverse else ''}"
    elif state.order == NAME:
        yield f"Sorted by name{', backward' if state.reverse else ''}"
    else:
        yield f"Sorted by activity{', least busy first' if state.reverse else ''}"
    if state.filter:
        yield f"Names with {state.filter!r}"
    if state.grouping != "many":
        yield {"all": "One row per name", "none": "One row per thread"}[state.grouping]
