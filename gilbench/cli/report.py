"""``gilbench report``: a saved study once more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gilbench.cli.options import Format, show


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    study: Annotated[Path, typer.Argument(help="A study file, as made by gilbench run.")],
    form: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.terminal,
) -> None:
    """Render a saved study again."""
    from gilbench.analyse.report import build_report  # noqa: PLC0415
    from gilbench.store.study import read_study  # noqa: PLC0415

    show(build_report(read_study(study)), form)
