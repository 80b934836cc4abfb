"""Makes a workload of the user's commands, and tries each before it is measured."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from gilbench.host.placement import Layout, place
from gilbench.interpreters import select
from gilbench.model.commands import CommandRequest
from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Case, Header, Interpreter, Variables, Workload
from gilbench.plan.blocks import EFFORTS
from gilbench.plan.calls import FAMILY
from gilbench.plan.catalogue import read_declaration
from gilbench.plan.commands import (
    HOST,
    PYTHON,
    THREADS,
    block_seconds,
    command_effort,
    declare,
    refuse_without_value,
    uses,
    without_python,
)
from gilbench.run.command import CommandRunner, CommandSession
from gilbench.store.calls import keep_source
from gilbench.work.listener import Listener

_NOTHING = "Nothing was measured."
_REMEDIES = {
    "exit": f"{_NOTHING} If the failure is expected: --ignore-failure",
    "start": f"{_NOTHING} Pass a program; for a workload: --workload NAME",
}
_BRIEF = 1.0  # s; the length of a shorter run is measured again, without a look at its GIL


def command_workload(request: CommandRequest, taken: Collection[str]) -> Workload:
    """Write and read the workload of some commands.

    Args:
        request: The commands.
        taken: Names of other workloads.

    Raises:
        UsageError: The request is invalid, or its file cannot be written.
    """
    return read_declaration(keep_source(declare(request, taken, Path.cwd())), FAMILY)


def refuse_unfit(workload: Workload, *, python: int, threads: bool, given: Collection[str]) -> None:
    """Check that the options of a run have an effect on its commands.

    Args:
        workload: The commands.
        python: Number of interpreters that the user named.
        threads: Whether the user gave thread counts.
        given: Names of the parameters that the user gave.

    Raises:
        UsageError: The commands lack a placeholder, or a placeholder has no value.
    """
    command = workload.command
    assert command is not None  # noqa: S101 - it is a workload of commands
    lacking = without_python(command)
    if python and (python > 1 or not uses(command, PYTHON)) and lacking:
        raise UsageError(
            f"the command {excerpt(lacking[0], 60)!r} runs the same with every --python; "
            "write {python} for the interpreter"
        )
    if threads and not uses(command, THREADS):
        raise UsageError("--threads needs {threads} in the command")
    useless = [name for name in given if name not in workload.parameters]
    if useless:
        raise UsageError(f"--set {useless[0]} has no effect: the command has no {{{useless[0]}}}")
    refuse_without_value(workload, given)


def runs_python(workload: Workload) -> bool:
    """Return whether a workload's commands name the interpreter."""
    return workload.command is not None and uses(workload.command, PYTHON)


def host_interpreter(environment: Variables) -> Interpreter:
    """Return the interpreter of commands that do not name one: gilbench's own, by another name."""
    own = select([os.path.realpath(sys.executable)], environment=environment).interpreters[0]
    return msgspec.structs.replace(own, name=HOST)


def tried_commands(header: Header, request: CommandRequest | None, listener: Listener) -> Header:
    """Run each case of some commands once, and plan for the time that it takes; None: there are no commands.

    A command that fails on some interpreters is measured on the others, and its failure is recorded.

    Raises:
        UsageError: Every case failed.
    """
    if request is None:
        return header
    interpreters = {interpreter.name: interpreter for interpreter in header.interpreters}
    workloads = {workload.name: workload for workload in header.workloads}
    shared, failures = CommandSession(), []
    seconds: list[float] = []
    try:
        for case in header.plan.cases:
            listener.progress(f"trying {case.workload}{_where(case)}")
            runner = CommandRunner(case, interpreters[case.interpreter], workloads[case.workload], shared)
            try:
                seconds.append(_try(runner, header))
            except RunFailure as failure:
                failures.append(f"{failure.message}{_where(case)}\n{_REMEDIES.get(failure.kind, _NOTHING)}")
    finally:
        shared.close()
    if not seconds:
        raise UsageError(failures[0])
    return planned(header, request, seconds)


def _try(runner: CommandRunner, header: Header) -> float:
    began = time.monotonic()
    try:
        runner.prepare()
        taken = time.monotonic() - began
        if taken < _BRIEF:
            spot = place(runner.case, "command", Layout(header.plan.cpus, header.host), 0)
            began = time.monotonic()
            runner.measure(-1, spot)
            taken = time.monotonic() - began
    finally:
        runner.close()
    return taken


def planned(header: Header, request: CommandRequest, seconds: Sequence[float] = ()) -> Header:
    """Return a plan with as many runs as there is time for.

    Args:
        header: The plan.
        request: The commands.
        seconds: Length of one run of each case; empty: unknown, and short.
    """
    plan = header.plan
    level = EFFORTS[plan.effort.name]
    effort = command_effort(level, seconds, request.runs)
    if plan.budget is not None:
        effort = msgspec.structs.replace(effort, blocks=plan.effort.blocks)
    each = sum(seconds) if seconds else block_seconds(level) * len(plan.cases)
    length = plan.budget or effort.blocks * (effort.slices + request.warmup) * each
    return msgspec.structs.replace(header, plan=msgspec.structs.replace(plan, effort=effort, seconds=length))


def _where(case: Case) -> str:
    words = [f"{name}={value}" for name, value in case.parameters]
    where = words if case.interpreter == HOST else [*words, case.interpreter]
    return f" ({', '.join(where)})" if where else ""
