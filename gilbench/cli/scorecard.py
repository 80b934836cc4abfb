"""``gilbench scorecard``: what is said about the GIL, and what a replacement must have, measured."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.run import EXIT_INTERRUPTED
from gilbench.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from gilbench.scores import Scorecard


class ScorecardFormat(StrEnum):
    """Who reads the scorecard."""

    terminal = "terminal"
    json = "json"
    markdown = "markdown"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scorecard")(scorecard)


def scorecard(
    python: Annotated[
        list[str] | None,
        typer.Option(help="A path, 3.11, 3.13t, 2.7, pypy, jython or all; give it again for more."),
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="Read the claims from this study instead of measuring them.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The study file to write.")] = None,
    form: Annotated[
        ScorecardFormat, typer.Option("--format", help="For people, for programs or for a page.")
    ] = ScorecardFormat.terminal,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
) -> int:
    """Measure what is said about the GIL and what a replacement must have, with a verdict for each interpreter."""
    from gilbench.cli.scoring import measure_card, read_card  # noqa: PLC0415

    notes = printing.notes(quiet=quiet)
    if study is not None:
        if python or output:
            raise UsageError("--study shows a saved study; it takes neither --python nor -o")
        _show(read_card(study, notes), form)
        return 0
    card, path = measure_card(python or (), output, notes, quiet=quiet)
    if card is None:
        notes.print(
            f"interrupted; go on with: gilbench run --resume {path}; then: gilbench scorecard --study {path}",
        )
        return EXIT_INTERRUPTED
    try:
        _show(card, form)
    finally:
        notes.print(f"saved {path}")
    return 0


def _show(card: Scorecard, form: ScorecardFormat, console: Console | None = None) -> None:
    if form is ScorecardFormat.json:
        from gilbench.render.scorecard_json import render_scorecard_json  # noqa: PLC0415

        printing.write(render_scorecard_json(card) + "\n")
    elif form is ScorecardFormat.markdown:
        from gilbench.render.scorecard_markdown import render_scorecard_markdown  # noqa: PLC0415

        printing.write(render_scorecard_markdown(card))
    else:
        from gilbench.render.scorecard_terminal import render_scorecard  # noqa: PLC0415

        render_scorecard(card, console or printing.console())
