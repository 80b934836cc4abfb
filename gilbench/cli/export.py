"""``gilbench export``: writes studies for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.options import examples
from gilbench.host.files import refuse_unwritable
from gilbench.model.errors import UsageError

_EXAMPLES = examples(
    "gilbench export study.jsonl -o times.json && pyperf compare_to times-3.13.json times-3.13t.json",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", epilog=_EXAMPLES)(export)


def _known(form: str) -> str:
    if form != "pyperf":
        raise UsageError(f"unknown format {form[:40]!r}; use pyperf, or for reports: gilbench report -o FILE")
    return form


def export(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Study to export.")],
    *,
    form: Annotated[
        str,
        typer.Option(
            "-f", "--format", metavar="FORMAT", help="Format of the files: pyperf.", callback=_known
        ),
    ] = "pyperf",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="File to write (default: STUDY.pyperf.json); with several interpreters, FILE-INTERPRETER. "
            "The ending .gz compresses.",
        ),
    ] = None,
) -> None:
    """Export the times per operation of a study, one file for each interpreter."""
    if output is not None:
        refuse_unwritable(output)
    from gilbench.work.export import export_pyperf  # noqa: PLC0415

    for path in export_pyperf(study, output):
        printing.write(f"{path}\n")
