"""``gilbench report``: shows saved results in any format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.options import ChartName, Output, SavedForm, examples
from gilbench.model.errors import UsageError

_EXAMPLES = examples(
    "gilbench report study.jsonl",
    "gilbench report study.jsonl -o report.md -o results.csv",
    "gilbench report profile.json -o profile.html",
    "gilbench report study.jsonl -o speedup.svg --chart scaling-cpu",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", epilog=_EXAMPLES)(report)


def report(
    context: typer.Context,
    file: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Study, profile, scorecard, check, answer of releases, file of a watch, file of pyperf, or output of "
            "ftscalingbench or ccbench.",
        ),
    ],
    *,
    output: Output = None,
    chart: ChartName = None,
    form: SavedForm = "terminal",
) -> None:
    """Show saved results in any format: studies, profiles, scorecards, checks, and answers of releases."""
    from gilbench.work.read import read_result  # noqa: PLC0415

    if output and len(file) > 1:
        raise UsageError("-o takes the report of one FILE; run gilbench report once for each")
    for path in file:
        result = read_result(path)
        files = sort_files(output, type(result).__name__, chart=chart, printed=form, context=context)
        deliver(result, form, files)
