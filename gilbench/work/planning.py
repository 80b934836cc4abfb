"""Makes a plan from a request."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from gilbench import observe
from gilbench.analyse.stats.sequential import LOOKS
from gilbench.host.description import describe_host, measure_busy
from gilbench.interpreters import parse_environment, select
from gilbench.interpreters.names import name_all
from gilbench.model.calls import OwnCall
from gilbench.model.commands import CommandRequest
from gilbench.model.cores import measured_cpus
from gilbench.model.errors import UsageError
from gilbench.model.study import Case, Effort, Header, Interpreter, Struct, Variables, Workload
from gilbench.plan import axes, catalogue, counting
from gilbench.plan import blocks as planning
from gilbench.plan.commands import HOST
from gilbench.plan.default_threads import default_threads
from gilbench.version import __version__
from gilbench.work.calls import call_workloads
from gilbench.work.commands import command_workload, host_interpreter, planned, refuse_unfit, runs_python
from gilbench.work.listener import SILENT, Listener
from gilbench.work.pyperf_workloads import pyperf_workloads

MOST_BLOCKS = LOOKS[-1]  # with a budget, which usually ends the session earlier


class MeasureRequest(Struct, frozen=True):
    """What to measure, as a user writes it."""

    python: tuple[str, ...] = ()  # SPECs; empty: the newest with and without a GIL, and gilbench's own
    workload: tuple[
        str, ...
    ] = ()  # names, patterns, or files; empty: the default set, unless there are calls
    family: tuple[str, ...] = ()
    calls: tuple[OwnCall, ...] = ()  # the user's own functions and statements
    pyperf: tuple[
        str, ...
    ] = ()  # scripts for pyperf with their arguments, manifests of pyperformance, or folders
    pyperf_benchmark: tuple[str, ...] = ()  # names or patterns of their benchmarks; empty: all
    command: CommandRequest | None = None  # instead of workloads: the user's commands
    threads: str | None = None  # for example 1,cores,2x; None: as many counts as a quick run has time for
    environment: tuple[str, ...] = ()  # variables to start every interpreter with: NAME=VALUE
    axes: dict[str, str] = msgspec.field(default_factory=dict)  # by ``Axis.field``: {"gil": "on,off"}
    settings: tuple[str, ...] = ()  # parameters of workloads: name=value[,value]
    effort: str = "quick"
    budget: str | None = None  # for example 5m
    reference: str | None = None  # SPEC; None: the first interpreter
    observe: str = "cpu"
    count: str | None = None  # "instructions": also count those of the cpu workloads with one thread
    seed: int | None = None  # None: random
    refresh: bool = False  # ask every interpreter again, ignoring the cache


def select_one(
    option: str, spec: str, *, environment: Sequence[str] = (), refresh: bool = False
) -> Interpreter:
    """Find the only interpreter of an option.

    Raises:
        UsageError: The SPEC or a variable is invalid, or the SPEC selects several interpreters.
        InterpreterError: The interpreter is missing or unusable.
    """
    found = select([spec], environment=parse_environment(environment), refresh=refresh).interpreters
    if len(found) != 1:
        raise UsageError(
            f"{option} {spec} selects {len(found)} interpreters; choose one from: gilbench pythons list"
        )
    return found[0]


def select_sides(against: str, python: str, request: MeasureRequest) -> tuple[Interpreter, ...]:
    """Find the baseline and the candidate of a check, even if both are the same executable.

    Raises:
        UsageError: A SPEC or a variable is invalid, or a SPEC selects several interpreters.
        InterpreterError: An interpreter is missing or unusable.
    """
    return name_all(
        (
            select_one(option, spec, environment=request.environment, refresh=request.refresh)
            for option, spec in (("--against", against), ("--python", python))
        ),
        by_path=True,
    )


def plan_study(
    request: MeasureRequest, listener: Listener = SILENT, sides: Sequence[Interpreter] = ()
) -> Header:
    """Select the interpreters, make the cases, and describe the planned study.

    Args:
        request: What to measure.
        listener: Receives a note for each skipped interpreter or workload.
        sides: The interpreters, the reference first; empty: those of the request.

    Raises:
        UsageError: The request is invalid.
        InterpreterError: An interpreter is missing.
    """
    effort = _effort(request)
    host = describe_host()
    commands = () if request.command is None else (_commands(request, request.command, len(sides)),)
    interpreters, reference, notes = (sides, sides[0].name, ()) if sides else selected(request, commands)
    chosen = commands or _chosen(request, interpreters, listener)
    swept = axes.Axes(
        threads=_threads(request, host.cores, chosen),
        swept={
            axis.field: axis.parse(request.axes[axis.field], len(measured_cpus(host.cpus)))
            for axis in axes.AXES
            if axis.field in request.axes
        },
        parameters=axes.parse_settings(request.settings),
        observers=_observers(request.observe),
        counted=counting.parse_count(request.count),
        few_choices=effort.few_choices,
    )
    for axis in axes.AXES:
        if axis.field in request.axes and not any(axis.applies(one.build) for one in interpreters):
            raise UsageError(axis.needs)
    _tell(listener, (*notes, *_left_out(chosen, interpreters)))
    made = list(axes.cases(chosen, interpreters, swept))
    if swept.counted and not any(map(counting.is_counted, made)):
        raise UsageError(
            "--count instructions: no cpu workload with one thread to count; add --family cpu --threads 1"
        )
    header = describe_study(
        made,
        effort=effort,
        interpreters=interpreters,
        workloads=chosen,
        reference=reference,
        seed=request.seed,
        budget=None if request.budget is None else axes.parse_budget(request.budget),
    )
    return header if request.command is None else planned(header, request.command)


def describe_study(
    cases: Sequence[Case],
    *,
    effort: Effort,
    interpreters: Sequence[Interpreter],
    workloads: Sequence[Workload],
    reference: str,
    seed: int | None = None,
    budget: float | None = None,
) -> Header:
    """Describe the planned study of some cases on this host.

    Args:
        cases: The cases.
        effort: The effort level.
        interpreters: Interpreters of the cases.
        workloads: Workloads of the cases.
        reference: Name of the interpreter that the others are compared with.
        seed: Seed of random orders; None: random.
        budget: Seconds after which no block starts; None: all blocks are run.
    """
    return Header(
        gilbench=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        host=msgspec.structs.replace(describe_host(), busy=measure_busy()),
        plan=planning.make_plan(
            cases,
            effort=effort,
            interpreters=interpreters,
            workloads=workloads,
            reference=reference,
            seed=seed if seed is not None else int.from_bytes(os.urandom(4), "big"),
            budget=budget,
        ),
        interpreters=tuple(interpreters),
        workloads=tuple(workloads),
    )


def _chosen(
    request: MeasureRequest, interpreters: Sequence[Interpreter], listener: Listener
) -> tuple[Workload, ...]:
    """Return the workloads of a request; the default set only if it names none."""
    if request.pyperf_benchmark and not request.pyperf:
        raise UsageError("--pyperf-benchmark needs --pyperf")
    known = catalogue.catalogue()
    wanted = request.workload or request.family or not (request.calls or request.pyperf)
    chosen = catalogue.choose(known, request.workload, request.family) if wanted else ()
    calls = call_workloads(request.calls, {*known, *(workload.name for workload in chosen)})
    scripts = (
        pyperf_workloads(request.pyperf, request.pyperf_benchmark, interpreters, listener)
        if request.pyperf
        else ()
    )
    return *chosen, *calls, *scripts


def _commands(request: MeasureRequest, wanted: CommandRequest, sides: int) -> Workload:
    """Return the workload of the commands of a request, to be measured on so many given interpreters."""
    useless = {
        "--workload": request.workload,
        "--family": request.family,
        "--call": request.calls,
        "--pyperf": request.pyperf or request.pyperf_benchmark,
        "--switch-interval": request.axes.get("switch_interval"),
        "--count": request.count,
        "--observe": None if request.observe == "cpu" else request.observe,
        "--budget with --runs": request.budget and wanted.runs,
    }
    for option, given in useless.items():
        if given:
            raise UsageError(
                f"{option} has no effect on a command; remove it, or use gilbench profile -- COMMAND"
            )
    workload = command_workload(wanted, catalogue.catalogue())
    python = sides or len(request.python) + bool(request.reference)
    values = axes.parse_settings(request.settings)
    refuse_unfit(workload, python=python, threads=request.threads is not None, given=values)
    return workload


def selected(
    request: MeasureRequest, commands: Sequence[Workload] = ()
) -> tuple[Sequence[Interpreter], str, Sequence[str]]:
    """Return the interpreters of a request, the name of the reference, and notes.

    Raises:
        UsageError: A SPEC or a variable is invalid.
        InterpreterError: An interpreter is missing.
    """
    python, reference = request.python, request.reference
    environment = parse_environment(request.environment)
    if commands and not any(map(runs_python, commands)):
        return (host_interpreter(environment),), HOST, ()
    extra = (reference,) if python and reference and reference not in python else ()
    selection = select([*python, *extra], environment=environment, refresh=request.refresh)
    name = _reference(reference, selection.interpreters, environment)
    return selection.interpreters, name, selection.notes


def _threads(request: MeasureRequest, cores: int, chosen: Sequence[Workload]) -> tuple[int, ...]:
    if request.threads is None:
        return default_threads(cores, chosen)
    return axes.parse_threads(request.threads, cores)


def _effort(request: MeasureRequest) -> Effort:
    if request.effort not in planning.EFFORTS:
        raise UsageError(f"unknown effort {request.effort!r}; use {', '.join(planning.EFFORTS)}")
    effort = planning.EFFORTS[request.effort]
    return effort if request.budget is None else msgspec.structs.replace(effort, blocks=MOST_BLOCKS)


def _observers(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in observe.NAMES:
            raise UsageError(f"unknown observer {name!r}; use {', '.join(observe.NAMES)}")
    return tuple(dict.fromkeys(name for name in names if name in observe.SAMPLERS))


def _tell(listener: Listener, notes: Sequence[str]) -> None:
    for note in notes:
        listener.note(note)


def _left_out(workloads: Sequence[Workload], interpreters: Sequence[Interpreter]) -> list[str]:
    return [
        f"{workload.name} is skipped on {interpreter.name}: it needs {need}"
        for workload in workloads
        for interpreter in interpreters
        if (need := axes.lacks(workload, interpreter.build))
    ]


def _reference(spec: str | None, interpreters: Sequence[Interpreter], environment: Variables) -> str:
    if spec is None:
        return interpreters[0].name
    wanted = select([spec], environment=environment).interpreters[0]
    for interpreter in interpreters:
        if interpreter.started == wanted.started:
            return interpreter.name
    raise UsageError(f"--reference {spec} is not among the interpreters of this run; add --python {spec}")
