"""From what the user asks for to a plan, and from a study that was cut short back to its plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from gilbench import __version__, axes, observe
from gilbench import plan as planning
from gilbench import workloads as catalogue
from gilbench.errors import StudyError, UsageError
from gilbench.host import describe_host
from gilbench.interpreters import is_known, select
from gilbench.model import Case, Header, Interpreter, Profile, Study, Workload
from gilbench.store.study import read_study

MOST_BLOCKS = 200  # with a budget, which is what ends such a session


class Asked(NamedTuple):
    """The choices of what to run, as they were written."""

    python: Sequence[str] = ()
    workload: Sequence[str] = ()
    family: Sequence[str] = ()
    threads: str = "1,cores,2x"
    gil: str | None = None
    switch_interval: str | None = None
    cpus: str | None = None
    set: Sequence[str] = ()
    profile: str = "quick"
    budget: str | None = None
    reference: str | None = None
    observe: str = "cpu"
    seed: int | None = None


def select_one(option: str, spec: str) -> Interpreter:
    """Find the one interpreter that an option names.

    Raises:
        UsageError: It names none, or several.
        InterpreterError: It is there and cannot be used.
    """
    found = select([spec]).interpreters
    if len(found) != 1:
        raise UsageError(
            f"{option} {spec} are {len(found)} interpreters; name one, see gilbench pythons list"
        )
    return found[0]


def plan_study(asked: Asked, tell: Callable[[str], None]) -> Header:
    """Find the interpreters, lay out the cases, and describe the study that is to be made.

    Args:
        asked: What the user wrote.
        tell: Called with each line that the user should know.

    Raises:
        UsageError: A choice that cannot be served.
        InterpreterError: An interpreter that is not there.
    """
    profile = _profile(asked)
    observers = _observers(asked.observe)
    cores = describe_host().cores
    chosen = catalogue.choose(catalogue.catalogue(), asked.workload, asked.family)
    swept = axes.Axes(
        threads=axes.parse_threads(asked.threads, cores),
        gil=(None,) if asked.gil is None else axes.parse_gil(asked.gil),
        switch_intervals=(None,)
        if asked.switch_interval is None
        else axes.parse_switch_intervals(asked.switch_interval),
        cpus=(None,) if asked.cpus is None else axes.parse_cpus(asked.cpus, cores),
        parameters=axes.parse_settings(asked.set),
        observers=observers,
        few_choices=profile.few_choices,
    )
    extra = (
        [asked.reference] if asked.python and asked.reference and asked.reference not in asked.python else []
    )
    selection = select([*asked.python, *extra])
    interpreters = selection.interpreters
    if asked.gil is not None and not any(one.build.free_threaded for one in interpreters):
        raise UsageError("--gil needs a free-threaded build; add one, e.g. --python 3.13t")
    for note in (*selection.notes, *_left_out(chosen, interpreters)):
        tell(note)
    return describe_study(
        list(axes.cases(chosen, interpreters, swept)),
        profile=profile,
        interpreters=interpreters,
        workloads=chosen,
        reference=_reference(asked.reference, interpreters),
        seed=asked.seed,
        budget=None if asked.budget is None else axes.parse_budget(asked.budget),
    )


def describe_study(
    cases: Sequence[Case],
    *,
    profile: Profile,
    interpreters: Sequence[Interpreter],
    workloads: Sequence[Workload],
    reference: str,
    seed: int | None = None,
    budget: float | None = None,
) -> Header:
    """Describe the study that is to be made of some cases, on this host and from now on.

    Args:
        cases: What is measured.
        profile: How much effort is spent.
        interpreters: Those that the cases name.
        workloads: Those that the cases name.
        reference: Name of the interpreter that the others are divided by.
        seed: Of every random order; None: a new one.
        budget: Seconds after which no block is begun.
    """
    return Header(
        gilbench=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        host=describe_host(),
        plan=planning.make_plan(
            cases,
            profile=profile,
            interpreters=interpreters,
            workloads=workloads,
            reference=reference,
            seed=seed if seed is not None else int.from_bytes(os.urandom(4), "big"),
            budget=budget,
        ),
        interpreters=tuple(interpreters),
        workloads=tuple(workloads),
    )


def read_unfinished(
    path: Path, *, python: Sequence[str] = (), workload: Sequence[str] = (), trusted: bool = False
) -> Study:
    """Read a study that is to be gone on with, and see that nothing it stands on has changed.

    A file can name any program. An interpreter that it names is started only if it is found on this machine, too, and
    a workload only if it is in the catalogue.

    Args:
        path: The file.
        python: SPECs of interpreters that may be started as well.
        workload: Files of workloads that may be started as well.
        trusted: Whatever the file names may be started.

    Raises:
        StudyError: It cannot be read, names what may not be started, or a workload or interpreter is not the one that
            it began with.
        UsageError: One that may be started is not in the study.
        InterpreterError: One that may be started is not there.
    """
    study = read_study(path)
    header = study.header
    given = select(python).interpreters if python else ()
    for one in given:
        if one.executable not in {interpreter.executable for interpreter in header.interpreters}:
            raise UsageError(
                f"{one.executable} is not in {path}; --resume goes on with the plan of the study"
            )
    known = dict(catalogue.catalogue())
    for chosen in catalogue.choose(known, workload) if workload else ():
        if chosen.name not in {declared.name for declared in header.workloads}:
            raise UsageError(f"{chosen.name} is not in {path}; --resume goes on with the plan of the study")
        known[chosen.name] = chosen
    workloads = []
    for declared in header.workloads:
        if declared.name not in known and not trusted:
            raise StudyError(
                f"{path} would start the workload {declared.path}, which is not in the catalogue\n"
                f"Next: allow that file, --workload {declared.path}, or all that the study names, --trust-file"
            )
        path_, family = Path(declared.path), declared.family
        workloads.append(known.get(declared.name) or catalogue.read_declaration(path_, family))
        if msgspec.structs.replace(workloads[-1], path=declared.path) != declared:
            raise StudyError(
                f"{path} was made with another {declared.name}; its figures would not fit. Begin a new study"
            )
    allowed = {one.executable for one in given}
    named = () if trusted else (one.executable for one in header.interpreters)
    unknown = [name for name in named if name not in allowed and not is_known(name)]
    if unknown:
        options = " ".join(f"--python {name}" for name in (*allowed, *unknown))
        raise StudyError(
            f"{path} would start {', '.join(unknown)}, not found on this machine otherwise\n"
            f"Next: allow what you know, {options}, or all that the study names, --trust-file"
        )
    interpreters = []
    for interpreter in header.interpreters:
        found = select([interpreter.executable]).interpreters[0]
        if found.build != interpreter.build:
            raise StudyError(f"{interpreter.executable} is another build than in {path}. Begin a new study")
        interpreters.append(msgspec.structs.replace(found, name=interpreter.name))
    for case in study.header.plan.cases:
        for name in case.observers:
            if name not in observe.SAMPLERS:
                raise StudyError(
                    f"{path} asks for an observer that there is not: {name!r}. Begin a new study"
                )
    header = msgspec.structs.replace(header, workloads=tuple(workloads), interpreters=tuple(interpreters))
    return msgspec.structs.replace(study, header=header)


def _profile(asked: Asked) -> Profile:
    if asked.profile not in planning.PROFILES:
        raise UsageError(f"unknown profile {asked.profile!r}; there are {', '.join(planning.PROFILES)}")
    profile = planning.PROFILES[asked.profile]
    return profile if asked.budget is None else msgspec.structs.replace(profile, blocks=MOST_BLOCKS)


def _observers(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in observe.NAMES:
            raise UsageError(f"unknown observer {name!r}; there are {', '.join(observe.NAMES)}")
    return tuple(dict.fromkeys(name for name in names if name in observe.SAMPLERS))


def _left_out(workloads: Sequence[Workload], interpreters: Sequence[Interpreter]) -> list[str]:
    return [
        f"{workload.name} is left out on {interpreter.name}: it needs {need}"
        for workload in workloads
        for interpreter in interpreters
        if (need := axes.lacks(workload, interpreter.build))
    ]


def _reference(spec: str | None, interpreters: Sequence[Interpreter]) -> str:
    if spec is None:
        return interpreters[0].name
    wanted = select([spec]).interpreters[0]
    for interpreter in interpreters:
        if interpreter.executable == wanted.executable:
            return interpreter.name
    raise UsageError(f"--reference {spec} is not among the interpreters of this run; add --python {spec}")
