"""``gilbench compare``: which is faster, by how much, and is it certain."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Annotated

import typer

from gilbench.cli import output
from gilbench.cli.options import Fdr, Format, Threshold
from gilbench.errors import UsageError

EXIT_INCONCLUSIVE = 3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    study: Annotated[Path, typer.Argument(help="A study; or the baseline, where a candidate follows.")],
    candidate: Annotated[Path | None, typer.Argument(help="The study that is judged.")] = None,
    threshold: Threshold = 2.0,
    fdr: Fdr = 5.0,
    metric: Annotated[
        list[str] | None, typer.Option(help="Only these metrics, by name or pattern, e.g. 'latency_*'.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 if a row is inconclusive.")] = False,
    form: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.terminal,
) -> int:
    """Compare the interpreters of a study with its reference, or one study with another."""
    from gilbench.analyse.caveats import caveats, differences  # noqa: PLC0415
    from gilbench.analyse.comparisons import compare_interpreters, compare_studies  # noqa: PLC0415
    from gilbench.metrics import METRICS  # noqa: PLC0415
    from gilbench.store.study import read_study  # noqa: PLC0415

    for pattern in metric or []:
        if not fnmatch.filter(METRICS, pattern):
            raise UsageError(f"no metric matches {pattern!r}; there are {', '.join(METRICS)}")
    chosen = [name for name in METRICS if not metric or any(fnmatch.fnmatch(name, p) for p in metric)]
    limits = {"threshold": threshold / 100, "fdr": fdr / 100}
    first = read_study(study)
    if candidate is None:
        rows = compare_interpreters(first, metrics=chosen, **limits)
        warnings = caveats(first)
        if not rows:
            raise UsageError(
                f"{study} has no interpreter beside its reference; name a second study to compare with"
            )
    else:
        second = read_study(candidate)
        rows = compare_studies(first, second, metrics=chosen, **limits)
        warnings = (*differences(first, second), *caveats(second))
        if not rows:
            raise UsageError(
                f"{study} and {candidate} have no case in common: other workloads, interpreters or threads"
            )
    if form is Format.json:
        from gilbench.render.compare import comparison_row  # noqa: PLC0415
        from gilbench.render.guard import json_text  # noqa: PLC0415

        document = {"comparisons": [comparison_row(row) for row in rows], "warnings": warnings, **limits}
        output.write(json_text(document) + "\n")
    else:
        from gilbench.render.compare import render_comparisons  # noqa: PLC0415

        render_comparisons(rows, warnings, output.console(), **limits)
    undecided = any(row.verdict == "inconclusive" for row in rows)
    return EXIT_INCONCLUSIVE if strict and undecided else 0
