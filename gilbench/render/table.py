"""The look that all tables share."""

from __future__ import annotations

from rich import box
from rich.table import Table

from gilbench.render.figures import plain


def bare_table(title: str | None = None) -> Table:
    """An empty table without borders, its title at the left, one space between columns."""
    return Table(
        title=None if title is None else plain(title, "bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
