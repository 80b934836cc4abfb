"""``gilbench run``: benchmarks interpreters side by side."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli.delivery import Files, deliver, show, sort_files
from gilbench.cli.fleet_options import FleetAddress, Hosts, TlsCa, TlsCert, TlsKey, fleet_of
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import (
    EXIT_FAILED_RUNS,
    HOW,
    Budget,
    ChartName,
    Count,
    Cpus,
    EffortLevel,
    Families,
    Full,
    Gil,
    Jit,
    OldEffort,
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
    PARAMETERS,
    Cleanup,
    IgnoreFailure,
    Input,
    Load,
    Prepare,
    Ready,
    Runs,
    Settings,
    Shell,
    Texts,
    Timeout,
    Warmup,
    Words,
    command_request,
    for_command,
)
from gilbench.model.errors import EXIT_INTERRUPTED, UsageError

if TYPE_CHECKING:
    from gilbench.model.fleet import Fleet
    from gilbench.work.measure import Measured
    from gilbench.work.planning import MeasureRequest

_EXAMPLES = examples(
    "gilbench run --python 3.11 --python 3.13t --family cpu --threads 1,2",
    "gilbench run --python 3.13 --python ./my/bin/python3 --budget 5m -o study.jsonl",
    "gilbench run --python 3.11 --workload tcp_echo_cpu --threads 1 --switch-interval 5ms,1ms,0.1ms",
    "gilbench run --python 3.14 --jit on,off --family cpu",
    "gilbench run --python 3.13 --python '3.13 -O' --env PYTHONMALLOC=malloc",
    "gilbench run --call mypackage.parser:parse --arg size=10,1000 --threads 1,2",
    "gilbench run --python 3.13 --python 3.13t --set size=1,10 -- {python} app.py --size {size}",
    "gilbench run --command 'sort big.txt' --command 'sort -u big.txt' --warmup 1",
    "gilbench run --fleet tcp://127.0.0.1:8786 --hosts 'cores>=8 and 3.14t' --python 3.14 --python 3.14t",
    "gilbench run --resume study.jsonl",
)

# Parameters of the plan, which a resumed study has already.
_PLANNED = (
    "call",
    "arg",
    "setup",
    "shared",
    "family",
    "pyperf",
    "pyperf_benchmark",
    "threads",
    "setting",
    "effort",
    "old_effort",
    "budget",
    "reference",
    "observe",
    "count",
    "seed",
    "dry_run",
    "words",
    *PARAMETERS,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", epilog=_EXAMPLES)(run)


def run(
    context: typer.Context,
    words: Words = None,
    *,
    python: Python = None,
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
    threads: ThreadCounts = None,
    gil: Gil = None,
    jit: Jit = None,
    switch_interval: SwitchInterval = None,
    cpus: Cpus = None,
    setting: Settings = None,
    command: Texts = None,
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
    effort: EffortLevel = None,
    budget: Budget = None,
    reference: Reference = None,
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
    fleet: FleetAddress = None,
    hosts: Hosts = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    output: StudyOutput = None,
    chart: ChartName = None,
    form: StudyForm = "terminal",
    full: Full = False,
    quiet: Quiet = False,
    old_effort: OldEffort = None,
) -> int:
    """Benchmark interpreters or commands side by side and save a study."""
    program = command_request(context, words)
    axes = {"gil": gil, "jit": jit, "switch_interval": switch_interval, "cpus": cpus}
    own = calls(context, call, arg, setup, shared=shared)
    files = sort_files(output, "Report", study=True, chart=chart, printed=form, context=context)
    over = fleet_of(context, fleet, hosts, tls_ca, tls_cert, tls_key)
    if resume is not None:
        if typed(context, *axes, *_PLANNED) or (files.study and typed(context, "output")):
            raise UsageError("--resume reuses the study's plan; remove the other run options")
        with ConsoleListener(quiet=quiet) as listener:
            measured = _resumed(context, resume, listener, python, env, workload, over, trusted=trust_file)
        return conclude(measured, files, form, listener, over, full=full)
    if trust_file:
        raise UsageError("--trust-file needs --resume")
    from gilbench.work.planning import MeasureRequest, plan_study  # noqa: PLC0415

    request = MeasureRequest(
        python=tuple(python or ()),
        environment=tuple(env or ()),
        workload=tuple(workload or ()),
        family=tuple(family or ()),
        calls=own,
        pyperf=tuple(pyperf or ()),
        pyperf_benchmark=tuple(pyperf_benchmark or ()),
        command=program,
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
    request = for_command(context, request)
    with ConsoleListener(quiet=quiet) as listener:
        if dry_run:
            if over is not None:
                raise UsageError("--dry-run plans for this machine; remove --fleet")
            show(plan_study(request, listener), form)
            return 0
        measured = _measured(request, over, files.study, listener)
    return conclude(measured, files, form, listener, over, full=full)


def _measured(
    request: MeasureRequest, fleet: Fleet | None, output: Path | None, listener: ConsoleListener
) -> Measured:
    if fleet is None:
        from gilbench.work.measure import measure  # noqa: PLC0415

        return measure(request, output, listener)
    from gilbench.work.fleet.study import measure_on_fleet  # noqa: PLC0415 - an extra

    return measure_on_fleet(request, fleet, output, listener)


def _resumed(
    context: typer.Context,
    path: Path,
    listener: ConsoleListener,
    python: Python,
    env: Variables,
    workload: Workloads,
    fleet: Fleet | None,
    *,
    trusted: bool,
) -> Measured:
    """Resume a study, and trust what the command line names."""
    specs, variables, files = (
        tuple(given or ()) if typed(context, name) else ()
        for name, given in (("python", python), ("env", env), ("workload", workload))
    )
    if fleet is None:
        from gilbench.work.measure import resume_study  # noqa: PLC0415

        return resume_study(
            path, listener, python=specs, environment=variables, workload=files, trusted=trusted
        )
    from gilbench.work.fleet.study import resume_on_fleet  # noqa: PLC0415 - an extra

    return resume_on_fleet(
        path, fleet, listener, python=specs, environment=variables, workload=files, trusted=trusted
    )


def conclude(
    measured: Measured,
    files: Files,
    form: str,
    listener: ConsoleListener,
    fleet: Fleet | None = None,
    *,
    full: bool,
) -> int:
    """Print one screen or the full report, and write its files; name the study even if stdout cannot be written."""
    from gilbench.analyse.study.report import build_report  # noqa: PLC0415

    report = build_report(measured.study)
    try:
        more = None if full else f"gilbench report {shlex.quote(str(measured.path))}"
        deliver(report, form, files, more=more)
    finally:
        over = f" --fleet {fleet.address}" if fleet else ""
        again = f"interrupted; resume: gilbench run{over} --resume {measured.path}"
        listener.say(again if measured.interrupted else f"saved {measured.path}")
    if measured.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_FAILED_RUNS if report.failed else 0
