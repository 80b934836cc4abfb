"""How pages are tested: widths, names that could do harm, and golden files."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from gilbench.render.page import Page
from gilbench.render.terminal import show

WIDTHS = (80, 160)
HOSTILE = {
    "markup": "[red]x[/red][/nonsense]",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "lines": "one\ntwo\r\nthree\ttab",
    "long": "n" * 300,
    "wide": "\u6f22" * 60 + "\u202e",
}


def shown(page: Page, columns: int, **how: Any) -> str:
    """A page on a terminal; it has colours only if they are requested."""
    file = io.StringIO()
    show(page, Console(file=file, width=columns, highlight=False, **how))
    return file.getvalue()
