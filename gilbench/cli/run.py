"""``gilbench run``: measure interpreters side by side and show what was found."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.options import Format, show
from gilbench.errors import UsageError

if TYPE_CHECKING:
    from gilbench.model import Header

EXIT_FAILED_RUNS = 4
EXIT_INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    python: Annotated[
        list[str] | None,
        typer.Option(help="A path, 3.11, 3.13t, 2.7, pypy, jython or all; give it again for more."),
    ] = None,
    workload: Annotated[list[str] | None, typer.Option(help="Names or patterns, e.g. 'tcp_*'.")] = None,
    family: Annotated[list[str] | None, typer.Option(help="A family of workloads, e.g. cpu or io.")] = None,
    threads: Annotated[
        str, typer.Option(help="Thread counts: numbers, cores, 2x for twice the cores.")
    ] = "1,cores,2x",
    gil: Annotated[
        str | None, typer.Option(help="On free-threaded builds: on, off, or on,off for both.")
    ] = None,
    switch_interval: Annotated[
        str | None, typer.Option(help="E.g. 5ms,1ms,0.1ms; on 2.7 ticks, 1 000 for each ms.")
    ] = None,
    cpus: Annotated[str | None, typer.Option(help="How many CPUs the workers may use, e.g. 1,2,all.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A workload's own parameter, name=value or name=value,value."),
    ] = None,
    profile: Annotated[str, typer.Option(help="How much effort: quick, standard or rigorous.")] = "quick",
    budget: Annotated[
        str | None,
        typer.Option(help="E.g. 5m: blocks go to what is still undecided until the time is used up."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="The interpreter that the others are divided by; the first if absent.")
    ] = None,
    observe: Annotated[
        str,
        typer.Option(
            help="cpu; gil for who held it and who waited, stacks and syscalls, each in runs of their own."
        ),
    ] = "cpu",
    seed: Annotated[
        int | None, typer.Option(help="Of every random order; a new one each time if absent.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The study file to write.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with a study that was cut short.")] = None,
    trust_file: Annotated[
        bool,
        typer.Option("--trust-file", help="With --resume: start any interpreter and workload that it names."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and how long it will take.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.terminal,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
) -> int:
    """Measure interpreters side by side, save a study, and show what was found."""
    from gilbench.analyse.report import build_report  # noqa: PLC0415
    from gilbench.cli.measuring import measure_study  # noqa: PLC0415
    from gilbench.cli.planning import Asked, plan_study, read_unfinished  # noqa: PLC0415
    from gilbench.store.names import default_study_path  # noqa: PLC0415

    given = {name: value for name, value in locals().items() if name in _CHOICES}
    notes = printing.notes(quiet=quiet)
    if resume is not None:
        if output or dry_run or {**given, **_ALLOWING} != _CHOICES:
            raise UsageError(
                "--resume goes on with the plan of the study; it takes no other choice of what to run"
            )
        unfinished = read_unfinished(resume, python=python or (), workload=workload or (), trusted=trust_file)
        header, path, earlier = unfinished.header, resume, unfinished.runs
    elif trust_file:
        raise UsageError("--trust-file belongs to --resume")
    else:
        asked = Asked(
            **{_FIELDS.get(name, name): value or _EMPTY.get(name, value) for name, value in given.items()}
        )
        header = plan_study(asked, lambda line: notes.print(line, style="dim"))
        path, earlier = output or default_study_path(), None
    if dry_run:
        _show_plan(header, form)
        return 0
    study, interrupted = measure_study(header, path, notes, earlier=earlier, quiet=quiet)
    report = build_report(study)
    try:
        show(report, form)
    finally:
        notes.print(
            f"interrupted; go on with: gilbench run --resume {path}" if interrupted else f"saved {path}"
        )
    if interrupted:
        return EXIT_INTERRUPTED
    failed = any(failure.kind != "unsupported" for _, failure in report.failures)
    return EXIT_FAILED_RUNS if failed else 0


# The options that choose what is run, with the values that they have when they are absent.
_CHOICES = {
    name: parameter.default
    for name, parameter in inspect.signature(run).parameters.items()
    if name not in {"output", "resume", "trust_file", "dry_run", "form", "quiet"}
}
_ALLOWING = {"python": None, "workload": None}  # with --resume they say what of the study may be started
_FIELDS = {"setting": "set"}
_EMPTY: dict[str, tuple[str, ...]] = dict.fromkeys(("python", "workload", "family", "setting"), ())


def _show_plan(header: Header, form: Format) -> None:
    if form is Format.json:
        from gilbench.render.guard import json_text  # noqa: PLC0415

        document = {"plan": header.plan, "interpreters": header.interpreters, "workloads": header.workloads}
        printing.write(json_text(document) + "\n")
        return
    from gilbench.render.plan import plan_table  # noqa: PLC0415

    printing.console().print(plan_table(header))
