"""``gilbench export``: writes studies for other tools."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.files import write_file
from gilbench.cli.options import examples, typed
from gilbench.host.files import refuse_unwritable
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

_EXAMPLES = examples(
    "gilbench export study.jsonl -o times.json && pyperf compare_to times-3.13.json times-3.13t.json",
    "gilbench export study.jsonl --format asv -o results && asv publish",
)
_FORMATS = ("pyperf", "asv")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", epilog=_EXAMPLES)(export)


def _known(form: str) -> str:
    if form not in _FORMATS:
        raise UsageError(
            f"unknown format {excerpt(form, 40)!r}; use {', '.join(_FORMATS)}, or for reports: gilbench report -o FILE"
        )
    return form


def export(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Study to export.")],
    *,
    form: Annotated[
        str,
        typer.Option(
            "-f",
            "--format",
            metavar="FORMAT",
            help="Format: pyperf, or asv for a folder that asv publish reads.",
            callback=_known,
        ),
    ] = "pyperf",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="pyperf: file to write (default: STUDY.pyperf.json); with several interpreters, FILE-INTERPRETER. "
            "The ending .gz compresses. asv: folder of results (default: results).",
        ),
    ] = None,
    commit: Annotated[
        str | None,
        typer.Option(
            metavar="REVISION",
            help="asv: commit that was measured (default: HEAD of the checkout).",
        ),
    ] = None,
    machine: Annotated[str, typer.Option(metavar="NAME", help="asv: name of the machine.")] = "gilbench",
) -> None:
    """Export a study: its times per operation for pyperf, one file for each interpreter, or its results for asv."""
    if form == "asv":
        paths = _export_asv(study, output or Path("results"), commit, machine)
    elif typed(context, "commit", "machine"):
        raise UsageError("--commit and --machine need --format asv")
    else:
        if output is not None:
            refuse_unwritable(output)
        from gilbench.work.export import export_pyperf  # noqa: PLC0415

        paths = export_pyperf(study, output)
    for path in paths:
        printing.write(f"{path}\n")


def _export_asv(study: Path, folder: Path, commit: str | None, machine: str) -> tuple[Path, ...]:
    """Write the results of a study into a folder of asv; return the written files."""
    from gilbench.model.results import Report  # noqa: PLC0415
    from gilbench.render.asv import BENCHMARKS, asv_folder  # noqa: PLC0415
    from gilbench.work.checkout import read_checkout  # noqa: PLC0415
    from gilbench.work.read import read_result  # noqa: PLC0415

    if not re.fullmatch(r"\w[\w.+-]{0,59}", machine):
        raise UsageError(
            f"--machine: {excerpt(machine, 40)!r} is not a name; use letters, digits, and _ . + -"
        )
    report = read_result(study)
    if not isinstance(report, Report):
        raise UsageError(f"{study} is not a study; measure one: gilbench run -o FILE")
    checkout = read_checkout(commit)
    measured = checkout.commit or commit
    if measured is None or not re.fullmatch(r"[0-9a-f]{40}", measured):
        raise UsageError(
            "the measured commit is unknown; pass its full hash, or its name in its checkout: --commit"
        )
    try:
        known = folder.joinpath(BENCHMARKS)
        listed = known.read_bytes() if known.exists() else None
        files = asv_folder(
            report, machine=machine, commit=measured, committed=checkout.committed, known=listed
        )
        folder.joinpath(machine).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}; choose another folder") from error
    paths = {folder.joinpath(name): text for name, text in files.items()}
    for path, text in paths.items():
        write_file(path, text)
    return tuple(paths)
