"""``gilbench run``: benchmarks interpreters side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import (
    EXIT_FAILED_RUNS,
    HOW,
    WHAT,
    Count,
    Families,
    Files,
    Form,
    OldEffort,
    Python,
    Quiet,
    Refresh,
    Seed,
    StudyOutput,
    Variables,
    Workloads,
    deliver,
    examples,
    show,
    sort_files,
)
from gilbench.model.errors import EXIT_INTERRUPTED, UsageError

if TYPE_CHECKING:
    from gilbench.work.measure import Measured

_EXAMPLES = examples(
    "gilbench run --python 3.11 --python 3.13t --family cpu --threads 1,2",
    "gilbench run --python 3.13 --python ./my/bin/python3 --budget 5m -o study.jsonl",
    "gilbench run --python 3.11 --workload tcp_echo_cpu --threads 1 --switch-interval 5ms,1ms,0.1ms",
    "gilbench run --python 3.14 --jit on,off --family cpu",
    "gilbench run --python 3.13 --python '3.13 -O' --env PYTHONMALLOC=malloc",
    "gilbench run --resume study.jsonl",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", epilog=_EXAMPLES)(run)


def run(
    *,
    python: Python = None,
    env: Variables = None,
    workload: Workloads = None,
    family: Families = None,
    refresh: Refresh = False,
    threads: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help=(
                "Thread counts: numbers, cores, 2x for twice the cores (default: 1, 2, and up to twice the cores, as "
                "many as a quick run has time for)."
            ),
            rich_help_panel=WHAT,
        ),
    ] = None,
    gil: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="GIL of free-threaded builds: on, off, or on,off.", rich_help_panel=WHAT
        ),
    ] = None,
    jit: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="JIT of builds that have one inside: on, off, or on,off.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    switch_interval: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Switch intervals, for example 5ms,1ms (2.7: 1000 ticks per ms).",
            rich_help_panel=WHAT,
        ),
    ] = None,
    cpus: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Number of CPUs for the worker, for example 1,2,all.", rich_help_panel=WHAT
        ),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Workload parameter, or several values: NAME=VALUE,VALUE. Repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    effort: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="Effort level: quick, standard, or rigorous (default: quick).",
            rich_help_panel=HOW,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Time budget, for example 5m; after 6 blocks, only inconclusive workloads continue.",
            rich_help_panel=HOW,
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Interpreter to compare the others with (default: the first).",
            rich_help_panel=HOW,
        ),
    ] = None,
    observe: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Extra observers, in separate runs: gil, stacks, syscalls (cpu: always on).",
            rich_help_panel=HOW,
        ),
    ] = None,
    count: Count = None,
    seed: Seed = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the plan and its duration; run nothing.", rich_help_panel=HOW),
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Resume an interrupted study.", rich_help_panel=HOW),
    ] = None,
    trust_file: Annotated[
        bool,
        typer.Option(
            "--trust-file",
            help="With --resume: start every interpreter and workload that the study names.",
            rich_help_panel=HOW,
        ),
    ] = False,
    output: StudyOutput = None,
    form: Form = "terminal",
    quiet: Quiet = False,
    old_effort: OldEffort = None,
) -> int:
    """Benchmark interpreters side by side and save a study."""
    axes = {"gil": gil, "jit": jit, "switch_interval": switch_interval, "cpus": cpus}
    choices = (family, threads, setting, effort or old_effort, budget, reference, observe, count, seed)
    files = sort_files(output, "Report", study=True)
    if resume is not None:
        chosen = (*axes.values(), *choices, files.study, dry_run or None)
        if any(choice is not None and choice != [] for choice in chosen):
            raise UsageError("--resume reuses the study's plan; remove the other run options")
        from gilbench.work.measure import resume_study  # noqa: PLC0415

        with ConsoleListener(quiet=quiet) as listener:
            measured = resume_study(
                resume,
                listener,
                python=tuple(python or ()),
                environment=tuple(env or ()),
                workload=tuple(workload or ()),
                trusted=trust_file,
            )
        return _conclude(measured, files, form, listener)
    if trust_file:
        raise UsageError("--trust-file needs --resume")
    from gilbench.work.planning import MeasureRequest, plan_study  # noqa: PLC0415

    request = MeasureRequest(
        python=tuple(python or ()),
        environment=tuple(env or ()),
        workload=tuple(workload or ()),
        family=tuple(family or ()),
        threads=threads,
        axes={name: text for name, text in axes.items() if text is not None},
        settings=tuple(setting or ()),
        effort=effort or old_effort or "quick",
        budget=budget,
        reference=reference,
        observe=observe or "cpu",
        count=count,
        seed=seed,
        refresh=refresh,
    )
    with ConsoleListener(quiet=quiet) as listener:
        if dry_run:
            show(plan_study(request, listener), form)
            return 0
        from gilbench.work.measure import measure  # noqa: PLC0415

        measured = measure(request, files.study, listener)
    return _conclude(measured, files, form, listener)


def _conclude(measured: Measured, files: Files, form: str, listener: ConsoleListener) -> int:
    """Print the report and write its files; name the study's file even if stdout cannot be written."""
    from gilbench.analyse.study.report import build_report  # noqa: PLC0415

    report = build_report(measured.study)
    try:
        deliver(report, form, files)
    finally:
        again = f"interrupted; resume: gilbench run --resume {measured.path}"
        listener.say(again if measured.interrupted else f"saved {measured.path}")
    if measured.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_FAILED_RUNS if report.failed else 0
