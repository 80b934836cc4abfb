"""How pages are tested: widths, names that could do harm, and golden files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from gilbench.render.page import Page
from gilbench.render.terminal import show

GOLDEN = Path(__file__).parent.parent / "golden"
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


def compare(name: str, text: str, *, regenerate: bool) -> None:
    """Compare a text with a golden file; spaces at the ends of lines do not count."""
    path = GOLDEN / name
    trimmed = "\n".join(line.rstrip() for line in text.splitlines()).rstrip() + "\n"
    if regenerate:
        path.write_text(trimmed, "utf-8")
    assert trimmed == path.read_text("utf-8"), f"{name} has changed; --regenerate if it is meant to"
