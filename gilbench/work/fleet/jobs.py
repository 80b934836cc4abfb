"""The jobs of a host. Each is done in a process of its own; see ``job_main.py``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from gilbench.host.description import describe_host
from gilbench.host.scratch import scratch
from gilbench.host.topology import allowed_cpus, read_topology
from gilbench.host.turn import turn
from gilbench.interpreters.find import find_all
from gilbench.interpreters.names import full_name
from gilbench.model.cores import measured_cpus
from gilbench.model.errors import UsageError
from gilbench.model.study import Header, Host, Interpreter, Run, Workload
from gilbench.plan import catalogue
from gilbench.plan.blocks import Group
from gilbench.plan.host_choice import HostFacts
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks
from gilbench.work.fleet.messages import (
    Describe,
    Find,
    FoundInterpreters,
    HostState,
    Job,
    MakePlan,
    Measure,
    OwnFile,
    Planned,
    Wanted,
)
from gilbench.work.fleet.software import own_software
from gilbench.work.listener import Listener
from gilbench.work.planning import plan_study, select_sides, selected


def do(job: Job, listener: Listener) -> msgspec.Struct | tuple[Run, ...]:
    """Do a job and return its value; see ``messages.py``.

    Raises:
        GilbenchError: The job cannot be done here.
    """
    match job:
        case Describe():
            return _describe(job.name)
        case Find():
            host, interpreters = describe_host(), _interpreters(job.wanted)
            return FoundInterpreters(
                software=own_software(), host=host, cpus=_cpus(host), interpreters=interpreters
            )
        case MakePlan():
            return _plan(job.wanted, listener)
        case Measure():
            return _measure(job, listener)


def _describe(name: str) -> HostState:
    host = describe_host()
    found = find_all()[0]
    names = dict.fromkeys((*(one.name for one in found), *(full_name(one.build) for one in found)))
    facts = HostFacts(
        name=name,
        cores=host.cores,
        cpus=len(host.cpus) or host.cores,
        memory=host.memory,
        machine=host.machine,
        system=host.system,
        kernel=host.kernel,
        cpu_model=host.cpu_model,
        root=host.root,
        virtualisation=host.virtualisation,
        interpreters=tuple(names),  # the short names first
    )
    return HostState(facts=facts, software=own_software())


def _interpreters(wanted: Wanted) -> tuple[Interpreter, ...]:
    if wanted.sides is not None:
        return select_sides(*wanted.sides, wanted.request)
    return tuple(selected(wanted.request)[0])


def _plan(wanted: Wanted, listener: Listener) -> Planned:
    notes = _KeptNotes(listener)
    with _written(wanted.files) as paths:
        given = tuple(str(paths.get(name, name)) for name in wanted.request.workload)
        request = msgspec.structs.replace(wanted.request, workload=given)
        sides = () if wanted.sides is None else select_sides(*wanted.sides, request)
        header = plan_study(request, notes, sides)
    return Planned(header=header, notes=tuple(notes.taken))


def _measure(job: Measure, listener: Listener) -> tuple[Run, ...]:
    runs: list[Run] = []
    group = Group(job.block, job.workload, job.cases, job.long)
    hooks = Hooks(save=runs.append, stop=listener.stop, progress=lambda text, _: listener.progress(text))
    with turn(listener.note), _written(job.files) as paths:
        run_plan(
            job.header.plan,
            job.header.interpreters,
            _workloads(job.header, {Path(path).stem: path for path in paths.values()}),
            hooks,
            host=job.header.host,
            groups={group: job.attempt},
        )
    return tuple(runs)


def _workloads(header: Header, own: Mapping[str, Path]) -> dict[str, Workload]:
    """Return the workloads of a study as they are on this host.

    Raises:
        UsageError: One differs from that of the study.
    """
    found = dict(catalogue.catalogue())
    for declared in header.workloads:
        name = declared.name
        if name in own:
            found[name] = catalogue.read_declaration(own[name], declared.family)
        here = found.get(name)
        if here is None:
            raise UsageError(f"the workload {name} is missing; install the same packages on every host")
        found[name] = msgspec.structs.replace(here, operation_seconds=declared.operation_seconds)
        if msgspec.structs.replace(found[name], path=declared.path) != declared:
            raise UsageError(f"the workload {name} differs; install the same packages on every host")
    return found


@contextlib.contextmanager
def _written(files: Sequence[OwnFile]) -> Iterator[dict[str, Path]]:
    """Write workload files into a folder that only this user can read, and remove it at the end.

    Yields:
        Their paths, by how the user named them.
    """
    with scratch() as folder:
        paths = {file.given: folder / f"{file.name}.py" for file in files}
        for file in files:
            paths[file.given].write_text(file.text, "utf-8", newline="")
        yield paths


def _cpus(host: Host) -> tuple[int, ...]:
    return tuple(cpu.number for cpu in measured_cpus(read_topology(allowed_cpus()))) or tuple(
        range(host.cores)
    )


class _KeptNotes(Listener):
    """Keeps notes, and passes everything else on."""

    def __init__(self, listener: Listener) -> None:
        self.taken: list[str] = []
        self.progress, self.stop = listener.progress, listener.stop  # type: ignore[method-assign]

    def note(self, text: str) -> None:
        self.taken.append(text)
