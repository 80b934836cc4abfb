"""Finds the interpreters of this machine.

It searches folders for names of interpreters: those of PATH, pyenv, uv, the system, and gilbench's cache. A file
that configures gilbench can add executables and prefixes. python-discovery defines the names of interpreters. Its
probing is not used, since it silently skips interpreters that hang or crash; gilbench lists those with the reason.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import platformdirs
from python_discovery import PythonSpec

from gilbench.host.project import INTERPRETERS, project_files
from gilbench.host.trust import mistrust
from gilbench.interpreters.cache import ask_all
from gilbench.interpreters.names import name_all, version_key
from gilbench.model.errors import InterpreterError
from gilbench.model.study import Interpreter, Unusable

_PYTHONS = PythonSpec.from_string_spec("").generate_re(windows=False, all_implementations=True)
_SYSTEM = ("usr/local/bin", "usr/bin", "opt/*/bin")
_OTHERS = re.compile(
    r"((jython|stackless|graalpython|ironpython)(\d+(\.\d+){0,2})?|ipy(\d+(\.\d+){0,2})?(\.exe)?)"
)


def cache_folder() -> Path:
    """Return the folder of the interpreters that gilbench has built."""
    return platformdirs.user_cache_path("gilbench") / "interpreters"


def find_all(*, refresh: bool = False) -> tuple[tuple[Interpreter, ...], tuple[Unusable, ...]]:
    """Find every interpreter and ask each for its build.

    Args:
        refresh: Ask every interpreter again instead of reusing kept answers.

    Returns:
        The usable interpreters with unique names, CPython first, then the newest first; and the unusable
        executables with their reasons, including a pyproject.toml that is not trusted.

    Raises:
        InterpreterError: The paths in a pyproject.toml cannot be read.
    """
    paths, passed_over = configured()
    answers = ask_all(candidates(paths), refresh=refresh)
    usable = _distinct(answer for answer in answers if isinstance(answer, Interpreter))
    usable.sort(key=lambda one: (one.build.debug is True, one.build.free_threaded))
    usable.sort(key=lambda one: version_key(one.build), reverse=True)
    usable.sort(key=lambda one: (one.build.implementation != "CPython", one.build.implementation))
    return name_all(usable), (
        *passed_over,
        *(one for one in answers if isinstance(one, Unusable)),
        *_system()[1],
    )


def own_executable() -> Path:
    """Return the interpreter that runs gilbench, not the link in its virtual environment."""
    return Path(os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))


def candidates(paths: Iterable[Path] = ()) -> list[Path]:
    """Return the executables to ask, each file once.

    Args:
        paths: Executables that come first.
    """
    chosen: dict[tuple[int, int] | str, Path] = {}
    for path in [*paths, own_executable(), *executables(_folders()), *_system()[0]]:
        real = Path(os.path.realpath(path))
        # A link to a file with another name may be a shim that depends on the link's name.
        launched = real if is_interpreter_name(real.name) else path
        try:
            status = real.stat()
        except OSError:
            chosen[str(path)] = path
            continue
        key = (status.st_dev, status.st_ino) if launched == real else str(path)
        # Of hard links, such as python3.13 and python3.13t, the longest name is the most specific.
        if key not in chosen or len(launched.name) > len(chosen[key].name):
            chosen[key] = launched
    return list(chosen.values())


def _distinct(interpreters: Iterable[Interpreter]) -> list[Interpreter]:
    kept: dict[object, Interpreter] = {}
    for interpreter in interpreters:
        status = Path(interpreter.binary).stat()
        kept.setdefault(
            (status.st_dev, status.st_ino, interpreter.build, interpreter.gil_enabled), interpreter
        )
    return list(kept.values())


def is_interpreter_name(name: str) -> bool:
    """Return whether a file of this name may be an interpreter."""
    return bool(_PYTHONS.fullmatch(name) or _OTHERS.fullmatch(name))


def executables(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the executables in some folders that are named like interpreters."""
    for folder in folders:
        if not folder.is_absolute():  # relative to the current folder, which is not trusted
            continue
        try:
            names = sorted(entry.name for entry in os.scandir(folder) if is_interpreter_name(entry.name))
        except OSError:
            continue
        yield from (path for name in names if (path := folder / name).is_file() and os.access(path, os.X_OK))


def _folders() -> Iterator[Path]:
    """Yield the folders to search, by precedence."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(cache_folder().glob("[!.]*/bin"))
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        folder = Path(entry)
        if folder != pyenv / "shims":  # the versions behind the shims follow below
            yield folder
    yield from sorted(pyenv.glob("versions/*/bin"))
    uv = os.environ.get("UV_PYTHON_INSTALL_DIR")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    yield from sorted((Path(uv) if uv else data / "uv" / "python").glob("[!.]*/bin"))


def _system() -> tuple[list[Path], list[Unusable]]:
    """Return the interpreters in system folders outside PATH, and those that another user could have put there."""
    found, doubtful, named = [], [], set(_folders())
    places = [place for pattern in _SYSTEM for place in sorted(Path("/").glob(pattern)) if place not in named]
    for path in executables(places):
        doubt = mistrust(path)
        if doubt is None:
            found.append(path)
        else:
            reason = f"not started: {doubt}; if you trust it, use --python {path}"
            doubtful.append(Unusable(executable=str(path), reason=reason))
    return found, doubtful


def configured() -> tuple[list[Path], tuple[Unusable, ...]]:
    """Read ``interpreters`` in the nearest file that configures gilbench and is trusted.

    Returns:
        The executables, and the files that are not trusted, with their reasons.

    Raises:
        UsageError: The file cannot be read.
        InterpreterError: ``interpreters`` is not a list of paths.
    """
    passed_over = []
    for path, table, prefix, doubt in project_files():
        if doubt is not None:
            reason = f"interpreters in this file are not started: {doubt}"
            passed_over.append(Unusable(executable=str(path), reason=reason))
            continue
        paths = table.get(INTERPRETERS, [])
        if not isinstance(paths, list) or not all(isinstance(one, str) for one in paths):
            raise InterpreterError(
                f"{path}: {prefix}{INTERPRETERS} is invalid; write a list of paths as strings"
            )
        named = [path.parent / Path(one).expanduser() for one in paths]
        folders = ((executables([one / "bin"]) if one.is_dir() else [one]) for one in named)
        return [path for found in folders for path in found], tuple(passed_over)
    return [], tuple(passed_over)
