"""A table of threads that is drawn again in its place, like ``top``."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.live import Live

from gilbench.program import ProgramProfile
from gilbench.render.profile import live_view


def show_live(looks: Iterable[ProgramProfile], console: Console) -> None:
    """Draw one profile after the other until there are no more, and leave the terminal as it was.

    It has the screen to itself, and each drawing replaces the last one in one go, so that nothing flickers
    or scrolls.

    Args:
        looks: Each from the start of the profile to its moment; the pace is theirs.
        console: A terminal.
    """
    before = None
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        for now in looks:
            live.update(live_view(now, before, console.width, console.height), refresh=True)
            before = now
