"""Measures or resumes a study on a fleet."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Coroutine
from pathlib import Path

import msgspec

from gilbench.interpreters import parse_environment
from gilbench.interpreters.spec import parse_spec
from gilbench.model.errors import StudyError, UsageError
from gilbench.model.fleet import Fleet
from gilbench.model.study import LARGEST_PLAN, FleetHost, Header, Study, Workload
from gilbench.plan import catalogue
from gilbench.plan.host_choice import parse_hosts
from gilbench.store.integrity_header import header_fault
from gilbench.store.names import default_study_path
from gilbench.store.study import StudyWriter, read_study
from gilbench.work.fleet.admission import Admission, planning_host
from gilbench.work.fleet.client import FleetClient, JobError, entered
from gilbench.work.fleet.measuring import FleetMeasuring
from gilbench.work.fleet.messages import FoundInterpreters, MakePlan, OwnFile, Planned, Wanted
from gilbench.work.listener import SILENT, Listener
from gilbench.work.measure import Measured
from gilbench.work.planning import MeasureRequest
from gilbench.work.unfinished import unchanged_workloads


def measure_on_fleet(
    request: MeasureRequest,
    fleet: Fleet,
    output: Path | None = None,
    listener: Listener = SILENT,
    *,
    sides: tuple[str, str] | None = None,
) -> Measured:
    """Measure interpreters side by side on each host of a fleet, and save a study.

    Each host that fits gets as many blocks as a study of its own would have.

    Args:
        request: What to measure. SPECs are resolved on each host.
        fleet: The fleet.
        output: File of the study; None: a new file in ``reports/``.
        listener: Receives notes and progress, and can stop the work.
        sides: SPECs of the baseline and the candidate of a check; None: the interpreters of the request.

    Raises:
        UsageError: The request is invalid, no host fits, or the scheduler is lost; finished blocks are saved.
        StudyError: The file cannot be written; finished blocks are in it.
    """
    _refuse_unfit(request, sides or ())
    wanted = Wanted(request=request, sides=sides, files=_own_files(request))
    path = output or default_study_path()
    return _run(_measure(wanted, fleet, path, listener), path, listener)


def resume_on_fleet(
    path: Path,
    fleet: Fleet,
    listener: Listener = SILENT,
    *,
    python: tuple[str, ...] = (),
    environment: tuple[str, ...] = (),
    workload: tuple[str, ...] = (),
    trusted: bool = False,
) -> Measured:
    """Resume an interrupted study of a fleet with its own plan, also on other hosts.

    Args:
        path: File of the study.
        fleet: The fleet.
        listener: Receives progress, and can stop the work.
        python: SPECs of the study's interpreters, in its order; empty: their names.
        environment: Variables of every interpreter, as ``NAME=VALUE``.
        workload: Files of trusted workloads, in addition to the catalogue.
        trusted: Trust every workload and variable in the study.

    Raises:
        StudyError: The file cannot be read or written, or a workload has changed.
        UsageError: It is not a study of a fleet, no host fits, or the scheduler is lost.
    """
    study = read_study(path)
    if study.runs and not study.hosts:
        raise UsageError(f"{path} is not a study of a fleet; resume it without --fleet")
    header = study.header
    workloads = unchanged_workloads(path, header, workload, trusted=trusted)
    variables = {one.environment for one in header.interpreters}
    given = tuple(f"{name}={value}" for name, value in max(variables, default=())) if trusted else environment
    if variables != {parse_environment(given)}:
        raise StudyError(
            f"{path} has other variables; pass them with --env, or trust the study: --trust-file"
        )
    request = MeasureRequest(
        python=python or tuple(interpreter.name for interpreter in header.interpreters), environment=given
    )
    _refuse_unfit(request, ())
    known = catalogue.catalogue()
    wanted = Wanted(
        request=request, files=tuple(_own_file(one.path, one) for one in workloads if one.name not in known)
    )
    return _run(_resume(wanted, study, fleet, path, listener), path, listener)


def _run(work: Coroutine[None, None, None], path: Path, listener: Listener) -> Measured:
    asyncio.run(work)
    return Measured(read_study(path), path, listener.stop())


async def _measure(wanted: Wanted, fleet: Fleet, path: Path, listener: Listener) -> None:
    choice = parse_hosts(fleet.hosts) if fleet.hosts is not None else lambda _: True
    async with entered(fleet) as client:
        admission = Admission(client, wanted, choice, listener)
        listener.progress("asking the hosts for their interpreters")
        found = await admission.find(client.hosts)
        header = await _planned(client, planning_host(found), wanted, listener)
        hosts = _admitted(admission, found, header, {})
        header = _for_hosts(header, len(hosts))
        study = Study(header=header, runs=())
        with StudyWriter(path, header) as writer:
            await FleetMeasuring(client, admission, study, writer, wanted.files, listener).run(hosts)


async def _resume(wanted: Wanted, study: Study, fleet: Fleet, path: Path, listener: Listener) -> None:
    choice = parse_hosts(fleet.hosts) if fleet.hosts is not None else lambda _: True
    async with entered(fleet) as client:
        admission = Admission(client, wanted, choice, listener)
        listener.progress("asking the hosts for their interpreters")
        found = await admission.find(client.hosts)
        planning_host(found)
        known = {host.name: host for host in study.hosts}
        hosts = _admitted(admission, found, study.header, known)
        with StudyWriter(path, None) as writer:
            await FleetMeasuring(client, admission, study, writer, wanted.files, listener).run(hosts)


def _admitted(
    admission: Admission, found: dict[str, FoundInterpreters], header: Header, known: dict[str, FleetHost]
) -> dict[str, FleetHost]:
    """Return the hosts that take part.

    Raises:
        UsageError: There is none.
    """
    hosts = {
        name: host
        for name, one in found.items()
        if (host := admission.admit(name, one, header, known.get(name))) is not None
    }
    if not hosts:
        raise UsageError("no host of the fleet fits; see them: gilbench fleet status ADDRESS")
    return hosts


async def _planned(client: FleetClient, host: str, wanted: Wanted, listener: Listener) -> Header:
    """Let a host plan the study: the client may have none of the interpreters."""
    try:
        planned = await client.call(host, MakePlan(wanted=wanted), Planned)
    except JobError as error:
        raise UsageError(f"{host} cannot plan this study: {error}") from error
    fault = header_fault(planned.header)
    if fault is not None:
        raise UsageError(f"{host} planned an impossible study: {fault}")
    for note in planned.notes:
        listener.note(note)
    paths = {file.name: file.path for file in wanted.files}
    workloads = tuple(
        msgspec.structs.replace(one, path=paths.get(one.name, one.path)) for one in planned.header.workloads
    )
    return msgspec.structs.replace(planned.header, workloads=workloads)


def _for_hosts(header: Header, hosts: int) -> Header:
    """Return a plan with as many blocks for each host as for one. The hosts measure at the same time."""
    effort = header.plan.effort
    blocks = min(LARGEST_PLAN, effort.blocks * hosts)
    effort = msgspec.structs.replace(effort, blocks=blocks)
    return msgspec.structs.replace(header, plan=msgspec.structs.replace(header.plan, effort=effort))


def _own_files(request: MeasureRequest) -> tuple[OwnFile, ...]:
    files = [name for name in request.workload if name.endswith(".py") or "/" in name]
    return tuple(_own_file(name, catalogue.read_declaration(Path(name))) for name in files)


def _own_file(given: str, workload: Workload) -> OwnFile:
    if workload.command is not None:
        raise UsageError(f"{given} runs a command, which a fleet does not measure; remove it, or --fleet")
    try:
        return OwnFile(
            given=given,
            name=workload.name,
            path=workload.path,
            text=Path(workload.path).read_text("utf-8"),
        )
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {given}: {error}") from error


def _refuse_unfit(request: MeasureRequest, sides: tuple[str, ...]) -> None:
    """Refuse what a fleet cannot measure.

    Raises:
        UsageError: There is something.
    """
    unfit = {
        "a command": request.command,
        "--call": request.calls,
        "--pyperf": request.pyperf,
        "--budget": request.budget,
        "--count": request.count,
    }
    for option, given in unfit.items():
        if given:
            raise UsageError(f"a fleet does not measure {option}; remove it, or --fleet")
    for text in (*sides, *request.python, *filter(None, [request.reference])):
        name = parse_spec(text).name
        if os.sep in name and not (name.startswith("~") or Path(name).is_absolute()):
            raise UsageError(
                f"{shlex.quote(name)} is relative, and a fleet has many hosts; use an absolute path"
            )
