"""``gilbench timeit``: times a statement on interpreters and thread counts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gilbench.cli.delivery import sort_files
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import (
    WHAT,
    Budget,
    ChartName,
    Cpus,
    EffortLevel,
    Full,
    Gil,
    Jit,
    Python,
    Quiet,
    Reference,
    Refresh,
    Seed,
    StudyForm,
    StudyOutput,
    SwitchInterval,
    ThreadCounts,
    Variables,
    examples,
)
from gilbench.cli.own import Setup, Shared
from gilbench.cli.run import conclude

_EXAMPLES = examples(
    "gilbench timeit 'sorted(data)' -s 'data = list(range(1000))'",
    "gilbench timeit --python 3.13 --python 3.13t --threads 1,2,4 'd[1] += 1' -s 'd = {1: 0}' --shared",
    "gilbench timeit --python ./venv/bin/python 'json.loads(text)' -s 'import json' -s 'text = \"[1, 2]\"'",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("timeit", epilog=_EXAMPLES)(timeit)


def timeit(
    context: typer.Context,
    statement: Annotated[
        list[str],
        typer.Argument(metavar="STATEMENT...", help="Statement to repeat. Several are its lines."),
    ],
    *,
    setup: Setup = None,
    shared: Shared = False,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name in tables (default: statement).", rich_help_panel=WHAT),
    ] = None,
    python: Python = None,
    env: Variables = None,
    refresh: Refresh = False,
    threads: ThreadCounts = None,
    gil: Gil = None,
    jit: Jit = None,
    switch_interval: SwitchInterval = None,
    cpus: Cpus = None,
    effort: EffortLevel = None,
    budget: Budget = None,
    reference: Reference = None,
    seed: Seed = None,
    output: StudyOutput = None,
    chart: ChartName = None,
    form: StudyForm = "terminal",
    full: Full = False,
    quiet: Quiet = False,
) -> int:
    """Time a statement on one thread and on several. Without --python, on the interpreter that gilbench runs on."""
    files = sort_files(output, "Report", study=True, chart=chart, printed=form, context=context)
    from gilbench.model.calls import OwnCall  # noqa: PLC0415
    from gilbench.work.measure import measure  # noqa: PLC0415
    from gilbench.work.planning import MeasureRequest  # noqa: PLC0415

    axes = {"gil": gil, "jit": jit, "switch_interval": switch_interval, "cpus": cpus}
    call = OwnCall(code="\n".join(statement), setup="\n".join(setup or ()), shared=shared, name=name)
    request = MeasureRequest(
        python=tuple(python or (sys.executable,)),
        environment=tuple(env or ()),
        calls=(call,),
        threads=threads,
        axes={field: text for field, text in axes.items() if text is not None},
        effort=effort or "quick",
        budget=budget,
        reference=reference,
        seed=seed,
        refresh=refresh,
    )
    with ConsoleListener(quiet=quiet) as listener:
        measured = measure(request, files.study, listener)
    return conclude(measured, files, form, listener, full=full)
