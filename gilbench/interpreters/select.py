"""Selects interpreters by the SPECs of ``--python``.

A SPEC is a path, ``all``, a name from ``gilbench pythons list``, or a spec of python-discovery: 3.11, 3.11.7, 3.13t,
3.13d, pypy, pypy3.9, jython, ipy. If several interpreters match, the newest is selected. Free-threaded and debug builds
match only a SPEC that requests them. Options of the interpreter can follow: ``3.14 -X importtime``.

A path is launched as it is given, even if it is a virtual environment or a script that leads to another file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from python_discovery import PythonSpec

from gilbench.host.project import is_project_file
from gilbench.interpreters.cache import ask
from gilbench.interpreters.find import candidates, configured, find_all, own_executable
from gilbench.interpreters.names import full_name, name_all, version_key
from gilbench.interpreters.probe import examine_started
from gilbench.interpreters.spec import Spec, parse_spec
from gilbench.model.errors import InterpreterError
from gilbench.model.study import Interpreter, Unusable, Variables

_FROM_UV = ("cpython", "pypy", "graalpy")
_COMMANDS = {"ipy": "ironpython"}  # commands that are not called like their implementation
_NOTHING = "no usable interpreter found; see the reasons: gilbench pythons list"


class Selection(NamedTuple):
    """The interpreters that will be measured."""

    interpreters: tuple[Interpreter, ...]  # with unique names, in the order of the SPECs
    notes: tuple[str, ...]  # one line for each duplicate, missing, or skipped interpreter


class _Discovered(NamedTuple):
    usable: tuple[Interpreter, ...]
    unusable: tuple[Unusable, ...]


def select(specs: Sequence[str], *, environment: Variables = (), refresh: bool = False) -> Selection:
    """Select interpreters.

    Args:
        specs: SPECs. Empty: the newest CPython with a GIL, the newest free-threaded CPython, and the interpreter
            that runs gilbench.
        environment: Variables to start every interpreter with.
        refresh: Ask every interpreter again instead of reusing kept answers.

    Raises:
        UsageError: A SPEC has an option that does not belong to the interpreter.
        InterpreterError: No interpreter matches a SPEC. The message names those that were found, and the next step.
    """
    if not specs:
        found = _Discovered(*find_all(refresh=refresh))
        chosen, notes = _defaults(found, _left_out(found, ()))
        started = (
            [start(one.executable, one.name, (), environment) for one in chosen] if environment else chosen
        )
        return Selection(name_all(started), tuple(notes))
    wanted = [parse_spec(spec) for spec in specs]
    paths = [spec for spec in wanted if _is_path(spec.name)]
    search = len(paths) < len(wanted)  # paths need none
    found = _Discovered(*find_all(refresh=refresh)) if search else _Discovered((), ())
    chosen = []
    notes = _left_out(found, [spec.name for spec in wanted])
    for text, spec in zip(specs, wanted, strict=True):
        for interpreter in _resolve(spec, found, environment, refresh=refresh):
            if all(interpreter.started != other.started for other in chosen):
                chosen.append(interpreter)
            elif spec.name != "all":
                notes.append(f"{text} is measured once: {interpreter.executable} is selected already")
    return Selection(name_all(chosen, by_path=bool(paths)), tuple(notes))


def start(
    executable: str,
    spec: str,
    options: tuple[str, ...] = (),
    environment: Variables = (),
    *,
    refresh: bool = False,
) -> Interpreter:
    """Ask an executable for its build as it will be started. It stays what is launched.

    Args:
        executable: Absolute path.
        spec: How the user named it.
        options: Options of the interpreter.
        environment: Variables in addition to gilbench's.
        refresh: Ask again instead of reusing a kept answer.

    Raises:
        InterpreterError: It is unusable.
    """
    path = Path(executable)
    if options or environment:  # they can change any answer
        answer = examine_started(path, options, environment)
    else:
        answer = ask(path, refresh=refresh, given=True)
    if isinstance(answer, Unusable):
        raise InterpreterError(
            f"{spec} cannot be used: {answer.reason}\nSee the usable interpreters: gilbench pythons list"
        )
    return answer


def is_known(executable: str) -> bool:
    """Return whether an executable is one of this machine's interpreters, without starting unknown ones."""
    if executable in map(str, candidates(configured()[0])):
        return True
    # The interpreter behind a virtual environment or a shim may be outside the searched folders.
    return executable in {one.executable for one in find_all()[0]}


def _left_out(found: _Discovered, specs: Sequence[str]) -> list[str]:
    """Return a note for each unusable interpreter of ``all``, and for an untrusted file that configures gilbench."""
    return [
        f"{one.executable} is skipped: {one.reason}"
        for one in found.unusable
        if "all" in specs or is_project_file(Path(one.executable))
    ]


def _defaults(found: _Discovered, notes: list[str]) -> tuple[list[Interpreter], list[str]]:
    ordinary = _newest(one for one in found.usable if _is_cpython(one) and not one.build.free_threaded)
    threaded = _newest(one for one in found.usable if _is_cpython(one) and one.build.free_threaded)
    own = _own(found)
    chosen = [one for one in (ordinary, threaded) if one is not None]
    if ordinary is None:
        notes.append("no GIL-enabled CPython found; install one: gilbench pythons install 3.13")
    if threaded is None:
        notes.append(
            "no free-threaded CPython found; install one: gilbench pythons install 3.14t,"
            " or: gilbench pythons build SOURCE --flavour t"
        )
    if isinstance(own, Unusable):
        notes.append(f"gilbench's own interpreter {own.executable} is skipped: {own.reason}")
    elif any(own.started == one.started for one in chosen):
        notes.append(f"gilbench's own interpreter, {full_name(own.build)}, is selected already")
    else:
        chosen.append(own)
    if not chosen:
        raise InterpreterError(_NOTHING)
    return chosen, notes


def _own(found: _Discovered) -> Interpreter | Unusable:
    executable = own_executable()
    known = (one for one in found.usable if os.path.realpath(one.executable) == str(executable))
    return next(known, None) or ask(executable)


def _resolve(
    spec: Spec, found: _Discovered, environment: Variables = (), *, refresh: bool = False
) -> Iterable[Interpreter]:
    name, options = spec
    if _is_path(name):
        path = os.path.abspath(Path(name).expanduser())  # noqa: PTH100 - a link is kept as it is
        return [start(path, " ".join([name, *options]), options, environment, refresh=refresh)]
    chosen = list(found.usable) if name == "all" else [_found(name, found)]
    if not chosen:
        raise InterpreterError(_NOTHING)
    if not (options or environment):
        return chosen
    return [start(one.executable, " ".join([one.name, *options]), options, environment) for one in chosen]


def _found(spec: str, found: _Discovered) -> Interpreter:
    named = (one for one in found.usable if spec in {one.name, full_name(one.build)})
    fitting = next(named, None) or _newest(_fitting(spec, found.usable))
    if fitting is None:
        raise InterpreterError(_nothing_fits(spec, found))
    return fitting


def _fitting(spec: str, interpreters: Iterable[Interpreter]) -> Iterator[Interpreter]:
    wanted = _parse(spec)
    if wanted is None:
        return
    named = (wanted.implementation or "cpython").lower()
    implementation = _COMMANDS.get(named, named)
    version = [part for part in (wanted.major, wanted.minor, wanted.micro) if part is not None]
    for interpreter in interpreters:
        build = interpreter.build
        if (
            build.implementation.lower() == implementation
            and list(build.version_info[: len(version)]) == version
            and build.free_threaded == bool(wanted.free_threaded)
            and (build.debug is True) == bool(wanted.debug)
            and (
                wanted.version_specifier is None
                or wanted.version_specifier.contains(build.version.rstrip("+"))
            )
        ):
            yield interpreter


def _parse(spec: str) -> PythonSpec | None:
    """Parse a SPEC with python-discovery; None: it is invalid, or has parts that gilbench does not support."""
    try:
        parsed = PythonSpec.from_string_spec(spec)
    except ValueError:
        return None
    known = spec and parsed.path is None and parsed.architecture is None and parsed.machine is None
    return parsed if known else None


def _nothing_fits(spec: str, found: _Discovered) -> str:
    names = ", ".join(one.name for one in found.usable) or "no usable one"
    message = f"no interpreter matches {spec!r}; found: {names}"
    broken = [one for one in found.unusable if Path(one.executable).name.startswith((spec, f"python{spec}"))]
    if spec and broken:
        return f"{message}\n{broken[0].executable} cannot be used: {broken[0].reason}"
    wanted = _parse(spec)
    if wanted is None or (wanted.implementation or "cpython").lower() not in _FROM_UV:
        return f"{message}\nUse a path, a version such as 3.13 or 3.13t, pypy, jython, a name above, or all."
    flavour = " --flavour t" if wanted.free_threaded else ""
    return (
        f"{message}\nInstall it: gilbench pythons install {spec}, or: gilbench pythons build SOURCE{flavour}"
    )


def _is_path(spec: str) -> bool:
    return os.sep in spec or spec.startswith("~")


def _is_cpython(interpreter: Interpreter) -> bool:
    return interpreter.build.implementation == "CPython" and interpreter.build.debug is not True


def _newest(interpreters: Iterable[Interpreter]) -> Interpreter | None:
    # max() keeps the first of equals, which has precedence.
    return max(interpreters, key=lambda one: version_key(one.build), default=None)
