"""A console of rich's on which a text is a text: no markup, no emoji, no control characters of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from gilbench.render.guard import printable_lines


class PlainConsole(Console):
    """Draws tables and styles as rich does, whatever is in the texts.

    Args:
        file: Where it writes.
        quiet: Write nothing.
        soft_wrap: Leave long lines as they are.
    """

    def __init__(self, *, file: IO[str] | None = None, quiet: bool = False, soft_wrap: bool = False) -> None:
        super().__init__(
            file=file, quiet=quiet, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does; only its own segments may control the terminal."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable_lines(text), style)

    def on_broken_pipe(self) -> None:
        """Let the command line know that the reader has gone."""
        raise  # noqa: PLE0704 - called while it is handled
