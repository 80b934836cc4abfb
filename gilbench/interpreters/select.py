"""From what a user writes after ``--python`` to interpreters.

A SPEC is a path, ``all``, a name as in ``gilbench pythons list``, or what python-discovery understands: 3.11,
3.11.7, 3.13t, 3.13d, pypy, pypy3.9, jython. Of several that fit, the newest is taken; a build that is
free-threaded or for debugging only where the SPEC says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from python_discovery import PythonSpec

from gilbench.errors import InterpreterError
from gilbench.interpreters.find import PROJECT, candidates, configured, find_all, own_executable
from gilbench.interpreters.names import full_name, name_all, version_key
from gilbench.interpreters.probe import probe
from gilbench.model import Interpreter, Unusable

_FROM_UV = ("cpython", "pypy", "graalpy")


class Selection(NamedTuple):
    """The interpreters that will be measured."""

    interpreters: tuple[Interpreter, ...]  # names unique among them, in the order asked
    notes: tuple[str, ...]  # one line each: what coincides, what is absent, what was left out


class _Found(NamedTuple):
    usable: tuple[Interpreter, ...]
    unusable: tuple[Unusable, ...]


def select(specs: Sequence[str]) -> Selection:
    """Find the interpreters that are asked for.

    Args:
        specs: What to measure. Empty: the newest ordinary CPython, the newest free-threaded one, and the one
            that gilbench runs on.

    Raises:
        InterpreterError: A SPEC that nothing fits, with what was found and the next step.
    """
    if not specs:
        found = _Found(*find_all())
        return _defaults(found, _left_out(found, ()))
    # Paths alone need no search.
    found = _Found((), ()) if all(_is_path(spec) for spec in specs) else _Found(*find_all())
    chosen: list[Interpreter] = []
    notes = _left_out(found, specs)
    for spec in specs:
        for interpreter in _resolve(spec, found):
            if not any(_same(interpreter, other) for other in chosen):
                chosen.append(interpreter)
            elif spec != "all":
                notes.append(f"{spec} is measured once: {interpreter.executable} was asked for already")
    return Selection(name_all(chosen), tuple(notes))


def is_known(executable: str) -> bool:
    """Whether an executable is one of this machine's interpreters; it is not started unless it is."""
    if executable in map(str, candidates(configured()[0])):
        return True
    # Behind a virtual environment or a shim may be one that lies elsewhere.
    return executable in {one.executable for one in find_all()[0]}


def _left_out(found: _Found, specs: Sequence[str]) -> list[str]:
    """A line for each interpreter that ``all`` would take, and for a file that could name some."""
    return [
        f"{one.executable} is left out: {one.reason}"
        for one in found.unusable
        if "all" in specs or Path(one.executable).name == PROJECT
    ]


def _defaults(found: _Found, notes: list[str]) -> Selection:
    ordinary = _newest(one for one in found.usable if _is_cpython(one) and not one.build.free_threaded)
    threaded = _newest(one for one in found.usable if _is_cpython(one) and one.build.free_threaded)
    own = _own(found)
    chosen = [one for one in (ordinary, threaded) if one is not None]
    if ordinary is None:
        notes.append("no ordinary CPython was found: `gilbench pythons install 3.13`")
    if threaded is None:
        notes.append(
            "no free-threaded CPython was found: `gilbench pythons install 3.14t`"
            " or `gilbench pythons build SOURCE --flavour t`"
        )
    if isinstance(own, Unusable):
        notes.append(f"the interpreter that gilbench runs on is left out: {own.executable}: {own.reason}")
    elif any(_same(own, one) for one in chosen):
        notes.append(f"gilbench itself runs on {full_name(own.build)}, which is one of these already")
    else:
        chosen.append(own)
    if not chosen:
        raise InterpreterError("no usable interpreter was found; see `gilbench pythons list`")
    return Selection(name_all(chosen), tuple(notes))


def _own(found: _Found) -> Interpreter | Unusable:
    executable = own_executable()
    known = (one for one in found.usable if os.path.realpath(one.executable) == str(executable))
    return next(known, None) or probe(executable)


def _resolve(spec: str, found: _Found) -> Iterable[Interpreter]:
    if _is_path(spec):
        path = Path(os.path.abspath(Path(spec).expanduser()))  # noqa: PTH100 - a link is kept as it is
        answer = probe(path)
        if isinstance(answer, Unusable):
            raise InterpreterError(f"{spec} cannot be used: {answer.reason}\nNext: `gilbench pythons list`")
        return [answer]
    if spec == "all":
        if not found.usable:
            raise InterpreterError("no usable interpreter was found; see `gilbench pythons list`")
        return found.usable
    named = (one for one in found.usable if spec in {one.name, full_name(one.build)})
    fitting = next(named, None) or _newest(_fitting(spec, found.usable))
    if fitting is None:
        raise InterpreterError(_nothing_fits(spec, found))
    return [fitting]


def _fitting(spec: str, interpreters: Iterable[Interpreter]) -> Iterator[Interpreter]:
    wanted = _parse(spec)
    if wanted is None:
        return
    implementation = (wanted.implementation or "cpython").lower()
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
    """What the text means to python-discovery; None where it means nothing, or more than we ask for."""
    try:
        parsed = PythonSpec.from_string_spec(spec)
    except ValueError:
        return None
    known = spec and parsed.path is None and parsed.architecture is None and parsed.machine is None
    return parsed if known else None


def _nothing_fits(spec: str, found: _Found) -> str:
    names = ", ".join(one.name for one in found.usable) or "nothing usable"
    message = f"no interpreter fits {spec!r}; found: {names}"
    broken = [one for one in found.unusable if Path(one.executable).name.startswith((spec, f"python{spec}"))]
    if spec and broken:
        return f"{message}\n{broken[0].executable} cannot be used: {broken[0].reason}"
    wanted = _parse(spec)
    if wanted is None or (wanted.implementation or "cpython").lower() not in _FROM_UV:
        return (
            f"{message}\nA SPEC is a path, a version like 3.13 or 3.13t, pypy, jython, a name above, or all"
        )
    flavour = " --flavour t" if wanted.free_threaded else ""
    return (
        f"{message}\nNext: `gilbench pythons install {spec}`, `gilbench pythons build SOURCE{flavour}`"
        " or `gilbench pythons list`"
    )


def _is_path(spec: str) -> bool:
    return os.sep in spec or spec.startswith("~")


def _is_cpython(interpreter: Interpreter) -> bool:
    return interpreter.build.implementation == "CPython" and interpreter.build.debug is not True


def _newest(interpreters: Iterable[Interpreter]) -> Interpreter | None:
    # max() keeps the first of equals: the order in which the places count.
    return max(interpreters, key=lambda one: version_key(one.build), default=None)


def _same(one: Interpreter, other: Interpreter) -> bool:
    return (os.path.realpath(one.executable), one.build) == (os.path.realpath(other.executable), other.build)
