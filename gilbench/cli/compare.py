"""``gilbench compare``: compares interpreters, studies, or profiles, with verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.options import (
    EXIT_INCONCLUSIVE,
    AllowUnpaired,
    ChartName,
    Fdr,
    Form,
    Metrics,
    Output,
    Strict,
    Threshold,
    examples,
    typed,
)
from gilbench.model.errors import UsageError

_EXAMPLES = examples(
    "gilbench compare study.jsonl",
    "gilbench compare before.jsonl after.jsonl --metric throughput --strict",
    "gilbench compare before.json after.json",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare", epilog=_EXAMPLES)(compare)


def compare(
    context: typer.Context,
    study: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Study, profile, file of pyperf, or output of ftscalingbench or ccbench; the baseline of a candidate.",
        ),
    ],
    candidate: Annotated[
        Path | None,
        typer.Argument(metavar="CANDIDATE", help="What to compare with the baseline."),
    ] = None,
    *,
    threshold: Threshold = 2.0,
    fdr: Fdr = 5.0,
    metric: Metrics = None,
    strict: Strict = False,
    allow_unpaired: AllowUnpaired = False,
    output: Output = None,
    chart: ChartName = None,
    form: Form = "terminal",
) -> int:
    """Compare the interpreters of a study with its reference, one study with another, or one profile with another."""
    from gilbench.work.compare import Limits  # noqa: PLC0415
    from gilbench.work.compare import compare as compare_files  # noqa: PLC0415

    if candidate is None and typed(context, "allow_unpaired"):
        raise UsageError("--allow-unpaired needs two studies or profiles")
    files = sort_files(output, "Comparisons", chart=chart, printed=form, context=context)
    limits = Limits.in_percent(metric, threshold, fdr, allow_unpaired=allow_unpaired)
    result = compare_files(study, candidate, limits)
    deliver(result, form, files)
    return EXIT_INCONCLUSIVE if strict and result.inconclusive else 0
