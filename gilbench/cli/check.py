"""``gilbench check``: fails CI if performance regressed, or a profile exceeds a limit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli.check_ways import HISTORY, MEASURED, OF_STUDIES, refuse_useless, way_of
from gilbench.cli.delivery import Files, deliver, sort_files
from gilbench.cli.files import write_file
from gilbench.cli.fleet_options import FleetAddress, Hosts, TlsCa, TlsCert, TlsKey, fleet_of
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import (
    HOW,
    OUTPUT,
    WHAT,
    AllowUnpaired,
    ChartName,
    CheckForm,
    Count,
    Families,
    Fdr,
    Metrics,
    OldEffort,
    Quiet,
    Refresh,
    Seed,
    Strict,
    StudyOutput,
    Threshold,
    Variables,
    Workloads,
    examples,
    typed,
)
from gilbench.cli.own import (
    Arguments,
    Functions,
    PyperfBenchmarks,
    PyperfScripts,
    Setup,
    Shared,
    calls,
)
from gilbench.cli.program import (
    Cleanup,
    IgnoreFailure,
    Input,
    Load,
    Prepare,
    Ready,
    Runs,
    Settings,
    Shell,
    Timeout,
    Warmup,
    command_request,
    for_command,
)
from gilbench.model.errors import UsageError

if TYPE_CHECKING:
    from gilbench.model.fleet import Fleet
    from gilbench.model.profile_results import LimitCheck
    from gilbench.model.results import Check, Known
    from gilbench.work.check import Checked
    from gilbench.work.compare import Limits
    from gilbench.work.planning import MeasureRequest

_NOTHING = (
    "nothing to compare; pass STUDY --baseline FILE (or history),\n"
    "or --python NEW --against OLD, or PROFILE --limit LIMIT"
)
_EXAMPLES = examples(
    "gilbench check --python ./new/bin/python3 --against ./old/bin/python3 -o check.md",
    "gilbench check --python ./new/bin/python --against ./old/bin/python --call mypackage:parse",
    "gilbench check --python ./new/bin/python --against ./old/bin/python --pyperf bench_parse.py",
    "gilbench check study.jsonl --baseline last.jsonl --known-bad known.toml",
    "gilbench check study.jsonl --baseline history --branch main --format github",
    "gilbench check profile.json --limit 'gil_wait<20%' --limit 'worker-*: longest_hold<10ms'",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", epilog=_EXAMPLES)(check)


def check(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE | -- COMMAND",
            help="Candidate, measured before; for --limit, a profile. With --against: a command to measure, where "
            "{python} is the interpreter.",
        ),
    ] = None,
    *,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIMIT",
            help="Limit of a profile: METRIC<VALUE, or for some threads 'NAMES: METRIC<VALUE'. Repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY",
            help="Baseline study, or 'history' for the current level in the history.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="Candidate interpreter, measured now.", rich_help_panel=WHAT),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC", help="Baseline interpreter, interleaved with --python.", rich_help_panel=WHAT
        ),
    ] = None,
    env: Variables = None,
    workload: Workloads = None,
    family: Families = None,
    call: Functions = None,
    arg: Arguments = None,
    setup: Setup = None,
    shared: Shared = False,
    pyperf: PyperfScripts = None,
    pyperf_benchmark: PyperfBenchmarks = None,
    refresh: Refresh = False,
    threads: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Thread counts for --against (default: as for run).", rich_help_panel=WHAT
        ),
    ] = None,
    setting: Settings = None,
    shell: Shell = False,
    prepare: Prepare = None,
    cleanup: Cleanup = None,
    warmup: Warmup = 0,
    runs: Runs = None,
    ignore_failure: IgnoreFailure = False,
    stdin: Input = None,
    timeout: Timeout = None,
    ready: Ready = None,
    load: Load = None,
    effort: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="Effort level for --against: quick, standard, or rigorous (default: standard).",
            rich_help_panel=HOW,
        ),
    ] = None,
    count: Count = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="For --against: observe what regressed once more, on both sides, and say why it is slower.",
            rich_help_panel=HOW,
        ),
    ] = False,
    seed: Seed = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL", help="History to use with --baseline history.", rich_help_panel=WHAT
        ),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Use only this branch of the history.", rich_help_panel=WHAT),
    ] = None,
    threshold: Threshold = 2.0,
    fdr: Fdr = 5.0,
    metric: Metrics = None,
    layout: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=20,
            metavar="PERCENT",
            help="Standard deviation between builds of one source through code layout, for --against a rebuilt "
            "interpreter (default: as measured on CPython; 0: ignore layout).",
        ),
    ] = None,
    strict: Strict = False,
    allow_unpaired: AllowUnpaired = False,
    known_bad: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file of known regressions, which do not fail the check."),
    ] = None,
    fleet: FleetAddress = None,
    hosts: Hosts = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    output: StudyOutput = None,
    chart: ChartName = None,
    form: CheckForm = "terminal",
    markdown: Annotated[Path | None, typer.Option(hidden=True)] = None,
    junit: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write JUnit XML, whatever the ending.", rich_help_panel=OUTPUT
        ),
    ] = None,
    json: Annotated[Path | None, typer.Option(hidden=True)] = None,
    quiet: Quiet = False,
    old_effort: OldEffort = None,
) -> int:
    """Exit with 1 if performance regressed, or a profile exceeds a limit.

    Give FILE and --baseline or --limit, or --python and --against (preferred: measures both now, interleaved).
    """
    study = Path(words[0]) if words else None
    way = way_of(context, study, limit, against)
    program = command_request(context, words if way == "measure" else None)
    refuse_useless(context, way, baseline if way == "baseline" else None, words)
    named = ((markdown, "markdown"), (junit, "junit"), (json, "json"))
    if way == "limit":
        profile = None if typed(context, *OF_STUDIES) else study
        files = sort_files(output, "LimitCheck", named, chart=chart, printed=form, context=context)
        return _conclude(_held_to(limit or (), profile, strict=strict), files, form)
    files = sort_files(output, "Check", named, study=True, chart=chart, printed=form, context=context)
    from gilbench.work.check import check_history, check_study, read_known  # noqa: PLC0415
    from gilbench.work.compare import Limits  # noqa: PLC0415

    limits = Limits.in_percent(
        metric, threshold, fdr, strict=strict, layout=layout, allow_unpaired=allow_unpaired
    )
    known = read_known(known_bad)
    if way == "baseline" and study is not None and baseline is not None:
        if typed(context, *MEASURED) or (files.study and typed(context, "output")):
            raise UsageError("check does not remeasure STUDY; to measure, use --python NEW --against OLD")
        if baseline == HISTORY:
            return _conclude(check_history(study, database, branch, limits, known).check, files, form)
        return _conclude(check_study(study, Path(baseline), limits, known).check, files, form)
    if python is None or against is None or way == "baseline":
        raise UsageError(_NOTHING)
    from gilbench.work.planning import MeasureRequest  # noqa: PLC0415

    request = MeasureRequest(
        environment=tuple(env or ()),
        workload=tuple(workload or ()),
        family=tuple(family or ()),
        calls=calls(context, call, arg, setup, shared=shared),
        pyperf=tuple(pyperf or ()),
        pyperf_benchmark=tuple(pyperf_benchmark or ()),
        command=program,
        settings=tuple(setting or ()),
        threads=threads,
        effort=effort or old_effort or "standard",
        count=count,
        seed=seed,
        refresh=refresh,
    )
    over = fleet_of(context, fleet, hosts, tls_ca, tls_cert, tls_key)
    request = for_command(context, request)
    checked = _measured(python, against, request, limits, known, files, over, explain=explain, quiet=quiet)
    return _conclude(checked.check, files, form)


def _measured(
    python: str,
    against: str,
    request: MeasureRequest,
    limits: Limits,
    known: Sequence[Known],
    files: Files,
    fleet: Fleet | None,
    *,
    explain: bool,
    quiet: bool,
) -> Checked:
    """Measure and check, and say where the study is."""
    from gilbench.work.check import check_measured  # noqa: PLC0415

    with ConsoleListener(quiet=quiet) as listener:
        checked = check_measured(
            python,
            against,
            request,
            limits,
            known,
            output=files.study,
            explain=explain,
            fleet=fleet,
            listener=listener,
        )
    over = f" --fleet {fleet.address}" if fleet else ""
    again = f"interrupted; resume: gilbench run{over} --resume {checked.path}"
    listener.say(again if checked.interrupted else f"saved {checked.path}")
    return checked


def _held_to(limits: Sequence[str], profile: Path | None, *, strict: bool) -> LimitCheck:
    """Hold a profile to limits; None: the command has no profile, or an option of another check."""
    if profile is None:
        raise UsageError("--limit needs a profile and no baseline: gilbench check profile.json --limit LIMIT")
    from gilbench.work.profile_check import check_profile  # noqa: PLC0415

    return check_profile(profile, limits, strict=strict)


def _conclude(check: Check | LimitCheck, files: Files, form: str) -> int:
    """Print a check, write its files, and return the exit code."""
    deliver(check, form, files)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if form == "github" and summary:
        from gilbench.render.formats import text_of  # noqa: PLC0415

        write_file(Path(summary), text_of(check, "markdown"), append=True)
    return check.exit_code
