"""``gilbench scorecard``: tests claims about the GIL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import (
    WHAT,
    ChartName,
    Form,
    Python,
    Quiet,
    Refresh,
    StudyOutput,
    Variables,
    examples,
    typed,
)
from gilbench.model.errors import EXIT_INTERRUPTED, UsageError

_EXAMPLES = examples(
    "gilbench scorecard --python 2.7 --python 3.13 --python 3.13t --python pypy -o card.jsonl",
    "gilbench scorecard --study card.jsonl --format markdown",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scorecard", epilog=_EXAMPLES)(scorecard)


def scorecard(
    context: typer.Context,
    *,
    python: Python = None,
    env: Variables = None,
    refresh: Refresh = False,
    study: Annotated[
        Path | None,
        typer.Option(metavar="STUDY", help="Show the scorecard of a saved study.", rich_help_panel=WHAT),
    ] = None,
    output: StudyOutput = None,
    chart: ChartName = None,
    form: Form = "terminal",
    quiet: Quiet = False,
) -> int:
    """Test claims about the GIL, and requirements for a replacement, on each interpreter."""
    from gilbench.work.scorecard import read_card  # noqa: PLC0415
    from gilbench.work.scorecard import scorecard as measure_card  # noqa: PLC0415

    files = sort_files(output, "Scorecard", study=True, chart=chart, printed=form, context=context)
    if study is not None:
        if typed(context, "python", "env") or (files.study and typed(context, "output")):
            raise UsageError("--study shows a saved study; remove --python, --env, and -o STUDY")
        deliver(read_card(study, ConsoleListener(quiet=quiet)), form, files)
        return 0
    with ConsoleListener(quiet=quiet) as listener:
        card, path = measure_card(
            tuple(python or ()), files.study, listener, environment=env or (), refresh=refresh
        )
    if card is None:
        again = f"gilbench run --resume {path}; then: gilbench scorecard --study {path}"
        listener.say(f"interrupted; resume: {again}")
        return EXIT_INTERRUPTED
    try:
        deliver(card, form, files)
    finally:
        listener.say(f"saved {path}")
    return 0
