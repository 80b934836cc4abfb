"""Draws a table of threads that is updated in place, like ``top``."""

from __future__ import annotations

from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from gilbench.analyse.profile.segments import since
from gilbench.model.metrics import write
from gilbench.model.profile import Profile
from gilbench.render.profile_page import facts, program
from gilbench.render.profile_threads import threads_table
from gilbench.render.terminal import renderables, styled

_OTHER_LINES = 17  # lines other than the rows of threads


class LiveScreen:
    """Draws one profile after another on the alternate screen, and restores the terminal at the end.

    Each drawing replaces the previous one in one step, without flicker or scrolling.

    Args:
        console: Console of a terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop")
        self._before: Profile | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def draw(self, now: Profile) -> None:
        """Draw the profile from the start to now."""
        view = live_view(now, self._before, self._console.width, self._console.height)
        self._live.update(view, refresh=True)
        self._before = now


def live_view(now: Profile, before: Profile | None, width: int, height: int) -> RenderableType:
    """Return the view of a running program: the facts, and as many threads as there are lines.

    Args:
        now: The profile from the start to now.
        before: The previous profile; shares and rates are those since then. None: since the start.
        width: Columns of the terminal.
        height: Lines of the terminal.
    """
    last = since(now, before)
    title = f"Threads (% of the last {write(last.duration, 's')}; longest since the start)"
    table = threads_table(last, max(2, height - _OTHER_LINES), title)
    head = (styled(program(now), "strong"), *map(styled, facts(now)))
    return Group(*head, Text(), *renderables(table, width))
