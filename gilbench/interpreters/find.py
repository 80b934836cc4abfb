"""Finds the interpreters of the machine.

All places come down to folders in which names are looked at: PATH, pyenv, uv, the system, and gilbench's own
cache; a pyproject.toml can add executables and prefixes. What counts as an interpreter's name is
python-discovery's business. Its own questioning is not used: it passes over in silence what hangs or
crashes, and that is to be listed with its reason.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import platformdirs
from python_discovery import PythonSpec

from gilbench.errors import InterpreterError
from gilbench.interpreters.names import name_all, version_key
from gilbench.interpreters.probe import probe_all
from gilbench.model import Interpreter, Unusable
from gilbench.trust import mistrust

_PYTHONS = PythonSpec.from_string_spec("").generate_re(windows=False, all_implementations=True)
PROJECT = "pyproject.toml"
_SYSTEM = ("usr/local/bin", "usr/bin", "opt/*/bin")
_OTHERS = re.compile(r"(jython|stackless|graalpython)(\d+(\.\d+){0,2})?")


def cache_folder() -> Path:
    """Where gilbench keeps the interpreters that it has built."""
    return platformdirs.user_cache_path("gilbench") / "interpreters"


def find_all() -> tuple[tuple[Interpreter, ...], tuple[Unusable, ...]]:
    """Find every interpreter and ask each what it is.

    Returns:
        The usable ones, CPython first, then newest first, under names that are unique; and those that cannot
        be used, with their reasons, and so a pyproject.toml that is not ours to obey.

    Raises:
        InterpreterError: The paths in a pyproject.toml cannot be read.
    """
    paths, passed_over = configured()
    answers = probe_all(candidates(paths))
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
    """The interpreter that gilbench itself runs on, not the link in its virtual environment."""
    return Path(os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))


def candidates(paths: Iterable[Path] = ()) -> list[Path]:
    """Executables worth asking, one for each file; what stands in several places is named once.

    Args:
        paths: Some that come first.
    """
    chosen: dict[tuple[int, int] | str, Path] = {}
    for path in [*paths, own_executable(), *executables(_folders()), *_system()[0]]:
        real = Path(os.path.realpath(path))
        # A link to something with another name is a shim that looks at how it was called.
        launched = real if is_interpreter_name(real.name) else path
        try:
            status = real.stat()
        except OSError:
            chosen[str(path)] = path
            continue
        key = (status.st_dev, status.st_ino) if launched == real else str(path)
        # Of hard links, such as python3.13 and python3.13t, the longest name says most.
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
    """Whether a file of this name would be asked what it is."""
    return bool(_PYTHONS.fullmatch(name) or _OTHERS.fullmatch(name))


def executables(folders: Iterable[Path]) -> Iterator[Path]:
    """Everything in these folders that is called like an interpreter and may be run."""
    for folder in folders:
        if not folder.is_absolute():  # it would run what lies in the current folder
            continue
        try:
            names = sorted(entry.name for entry in os.scandir(folder) if is_interpreter_name(entry.name))
        except OSError:
            continue
        yield from (path for name in names if (path := folder / name).is_file() and os.access(path, os.X_OK))


def _folders() -> Iterator[Path]:
    """Folders with executables, in the order in which they count."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(cache_folder().glob("[!.]*/bin"))
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        folder = Path(entry)
        if folder != pyenv / "shims":  # they lead to versions found below
            yield folder
    yield from sorted(pyenv.glob("versions/*/bin"))
    uv = os.environ.get("UV_PYTHON_INSTALL_DIR")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    yield from sorted((Path(uv) if uv else data / "uv" / "python").glob("[!.]*/bin"))


def _system() -> tuple[list[Path], list[Unusable]]:
    """What lies in places of the system that PATH does not name, and what another user could have put there."""
    found, doubtful, named = [], [], set(_folders())
    places = [place for pattern in _SYSTEM for place in sorted(Path("/").glob(pattern)) if place not in named]
    for path in executables(places):
        doubt = mistrust(path)
        if doubt is None:
            found.append(path)
        else:
            reason = f"it is not started, since {doubt}; name it if you know it, --python {path}"
            doubtful.append(Unusable(executable=str(path), reason=reason))
    return found, doubtful


def configured() -> tuple[list[Path], tuple[Unusable, ...]]:
    """Paths of ``[tool.gilbench] interpreters`` in the nearest pyproject.toml that has the table.

    Looked at are the current folder and, inside a repository, those above up to the repository's root. A file that
    somebody else could have written is passed over, with its reason.

    Raises:
        InterpreterError: The paths cannot be read.
    """
    passed_over = []
    for folder in _project():
        file = folder / PROJECT
        if not file.is_file():
            continue
        doubt = mistrust(file)
        try:
            tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
        except (OSError, ValueError, RecursionError) as error:
            if doubt is not None:  # it is not for us
                continue
            raise InterpreterError(f"cannot read {file}: {error}") from error
        if not isinstance(tool, dict) or "gilbench" not in tool:
            continue
        if doubt is not None:
            reason = f"the interpreters that it names are not started: {doubt}"
            passed_over.append(Unusable(executable=str(file), reason=reason))
            continue
        table = tool["gilbench"]
        paths = table.get("interpreters", []) if isinstance(table, dict) else None
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise InterpreterError(f"{file}: [tool.gilbench] interpreters must be a list of paths, as text")
        named = [folder / Path(path).expanduser() for path in paths]
        folders = ((executables([one / "bin"]) if one.is_dir() else [one]) for one in named)
        return [path for found in folders for path in found], tuple(passed_over)
    return [], tuple(passed_over)


def _project() -> list[Path]:
    """The current folder, and those above it up to the root of its repository."""
    here = Path.cwd()
    folders = [here, *here.parents]
    root = next((number for number, folder in enumerate(folders) if (folder / ".git").exists()), 0)
    return folders[: root + 1]
