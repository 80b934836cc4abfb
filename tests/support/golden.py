"""Outputs as they were written before. Made anew by: pytest tests/render --regenerate."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from gilbench.render import formats
from gilbench.render.terminal import show

GOLDEN = Path(__file__).parent.parent / "golden"


def compare(name: str, text: str, *, regenerate: bool) -> None:
    """Compare a text with a golden file; white space at the ends of lines does not count."""
    plain = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    path = GOLDEN / name
    if regenerate:
        path.write_text(plain, "utf-8")
    assert plain == path.read_text("utf-8"), f"{name} has changed; --regenerate if it is meant to"


def written(result: object, form: str, columns: int = 80) -> str:
    """What a result looks like in a format."""
    out = io.StringIO()
    if form == "terminal":
        show(formats.page_of(result), Console(file=out, width=columns, highlight=False))
    else:
        formats.write(result, form, out)
    return out.getvalue()
