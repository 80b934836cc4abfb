"""A rich console that prints text literally: no markup, no emoji, and no control characters in text.

If the encoding of the output lacks a character that gilbench draws with, the console prints one of ASCII instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from gilbench.render.guard import printable_lines

# One character for one, since widths are known before: of tables, plots, and bars; of series; of texts.
_IN_ASCII = str.maketrans("─│┤└┬┴█▒●○◆◇■□▲△✱µ±…→", "-||+--#:ox*+#@^v&u~.>")


class PlainConsole(Console):
    """Draws tables and styles as rich does, and prints texts literally.

    Args:
        file: The output file; None: stdout.
        quiet: Write nothing.
        soft_wrap: Do not wrap long lines.
    """

    def __init__(self, *, file: IO[str] | None = None, quiet: bool = False, soft_wrap: bool = False) -> None:
        super().__init__(
            file=file, quiet=quiet, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does; only its own segments may control the terminal."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(self._encodable(printable_lines(text)), style)

    def _encodable(self, text: str) -> str:
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return text.translate(_IN_ASCII)
        return text

    def on_broken_pipe(self) -> None:
        """Raise the error for the command line."""
        raise  # noqa: PLE0704 - called while it is handled
