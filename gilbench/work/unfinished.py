"""Reads an interrupted study, and checks that what it would start is allowed and unchanged."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from gilbench import observe
from gilbench.interpreters import is_known, parse_environment, select, start
from gilbench.model.errors import StudyError, UsageError
from gilbench.model.study import Header, Interpreter, Study, Variables, Workload
from gilbench.plan import catalogue, counting
from gilbench.store.calls import is_kept
from gilbench.store.study import read_study


def read_unfinished(
    path: Path,
    *,
    python: Sequence[str] = (),
    environment: Sequence[str] = (),
    workload: Sequence[str] = (),
    trusted: bool = False,
) -> Study:
    """Read a study to resume, and check that its workloads and interpreters are unchanged.

    A file can name any program. An interpreter in it is started only if it is also found on this machine and the file
    gives it neither options nor variables, and a workload only if it is in the catalogue.

    Args:
        path: The file.
        python: SPECs of interpreters that may be started, too, with their options.
        environment: Variables that every interpreter may be started with, as ``NAME=VALUE``.
        workload: Files of workloads that may be started, too.
        trusted: Everything in the file may be started.

    Raises:
        StudyError: The file cannot be read, names something that may not be started, or a workload, interpreter, or
            observer has changed.
        UsageError: A given workload or interpreter is not in the study.
        InterpreterError: A given interpreter is missing.
    """
    study = read_study(path)
    header = study.header
    variables = parse_environment(environment)
    given = select(python, environment=variables).interpreters if python else ()
    workloads = unchanged_workloads(path, header, workload, trusted=trusted)
    _refuse_unknown_interpreters(path, header, given, variables, trusted=trusted)
    interpreters = _unchanged_interpreters(path, header)
    for case in header.plan.cases:
        for name in case.observers:
            if name not in {*observe.SAMPLERS, counting.INSTRUCTIONS}:
                raise StudyError(f"cannot resume {path}: unknown observer {name!r}; start a new study")
    header = msgspec.structs.replace(header, workloads=workloads, interpreters=interpreters)
    return msgspec.structs.replace(study, header=header)


def unchanged_workloads(
    path: Path, header: Header, given: Sequence[str], *, trusted: bool
) -> tuple[Workload, ...]:
    """Return the workloads of a study as they are now; arguments and errors as for ``read_unfinished``."""
    known = dict(catalogue.catalogue())
    for chosen in catalogue.choose(known, given) if given else ():
        if chosen.name not in {declared.name for declared in header.workloads}:
            raise UsageError(
                f"{chosen.name} is not in {path}; remove it, since --resume reuses the study's plan"
            )
        known[chosen.name] = chosen
    workloads = []
    for declared in header.workloads:
        if declared.name not in known and not trusted and not is_kept(Path(declared.path)):
            raise StudyError(
                f"{path} would start the workload {declared.path}, which is not in the catalogue\n"
                f"If you trust it: --workload {declared.path}; if you trust the whole study: --trust-file"
            )
        file, family = Path(declared.path), declared.family
        workloads.append(known.get(declared.name) or catalogue.read_declaration(file, family))
        found = msgspec.structs.replace(workloads[-1], operation_seconds=declared.operation_seconds)
        workloads[-1] = found
        if msgspec.structs.replace(found, path=declared.path) != declared:
            raise StudyError(f"cannot resume {path}: workload {declared.name} changed; start a new study")
    return tuple(workloads)


def _refuse_unknown_interpreters(
    path: Path, header: Header, given: Sequence[Interpreter], variables: Variables, *, trusted: bool
) -> None:
    """Refuse to start what only the file names: an executable, its options, or its variables."""
    allowed, theirs = ([one.started for one in some] for some in (given, header.interpreters))
    for one in given:
        if one.started not in theirs:
            raise UsageError(
                f"{one.command_line} is not in {path}; remove it, since --resume reuses the study's plan"
            )
    if variables and all(environment != variables for _, environment in theirs):
        raise UsageError(f"{path} has other variables; remove --env, since --resume reuses the study's plan")

    def is_allowed(one: Interpreter) -> bool:
        plain = not one.options and one.environment == variables
        known = one.executable == sys.executable or is_known(one.executable)
        return one.started in allowed or (plain and known)

    unknown = [] if trusted else [one for one in header.interpreters if not is_allowed(one)]
    if unknown:
        options = " ".join(dict.fromkeys(word for one in (*given, *unknown) for word in _naming(one)))
        raise StudyError(
            f"{path} would start {', '.join(one.command_line for one in unknown)}, which is not among this machine's "
            f"interpreters\nIf you trust it: {options}; if you trust the whole study: --trust-file"
        )


def _naming(interpreter: Interpreter) -> Iterator[str]:
    """Yield the options of the command line that name an interpreter."""
    command = shlex.join(interpreter.command) if interpreter.options else interpreter.executable
    yield f"--python {shlex.quote(command)}"
    for name, value in interpreter.environment:
        yield f"--env {shlex.quote(f'{name}={value}')}"


def _unchanged_interpreters(path: Path, header: Header) -> tuple[Interpreter, ...]:
    """Return the interpreters of a study as they are now; see ``read_unfinished``."""
    interpreters = []
    for interpreter in header.interpreters:
        line = interpreter.command_line
        found = start(
            interpreter.executable, line, options=interpreter.options, environment=interpreter.environment
        )
        if found.build != interpreter.build:
            raise StudyError(f"cannot resume {path}: the build of {line} changed; start a new study")
        interpreters.append(msgspec.structs.replace(found, name=interpreter.name))
    return tuple(interpreters)
