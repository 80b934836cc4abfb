"""What the commands have in common."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from gilbench.model import Report


class Format(StrEnum):
    """Who reads the answer."""

    terminal = "terminal"
    json = "json"


Threshold = Annotated[float, typer.Option(min=0, max=100, help="Smallest change that matters, in per cent.")]
Fdr = Annotated[
    float, typer.Option(min=0.1, max=50, help="Expected share of false ones among the changes, in per cent.")
]


def show(report: Report, form: Format, console: Console | None = None) -> None:
    """Print a report."""
    if form is Format.json:
        from gilbench.render.json import render_json  # noqa: PLC0415

        output.write(render_json(report) + "\n")
        return
    from gilbench.render.terminal import render_terminal  # noqa: PLC0415

    render_terminal(report, console or output.console())
