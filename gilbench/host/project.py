"""Finds the files of a project that configure gilbench: gilbench.toml, or ``[tool.gilbench]`` of pyproject.toml.

The search covers the current folder and, inside a repository, its parents up to the root of the repository. In one
folder, gilbench.toml comes first.
"""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from gilbench.host.trust import mistrust
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

INTERPRETERS = "interpreters"  # the only key that is not an option: paths of interpreters
_OWN = "gilbench.toml"
_NAMES = (_OWN, "pyproject.toml")
_ignored: ContextVar[bool] = ContextVar("project files are ignored", default=False)


class ProjectFile(NamedTuple):
    """A file that configures gilbench."""

    path: Path
    table: Mapping[str, Any]
    prefix: str  # of its keys in messages: ``tool.gilbench.``, or empty
    doubt: str | None  # why another user could have written it; None: it is trusted


@contextlib.contextmanager
def without_project_files() -> Iterator[None]:
    """Find no files while this is active."""
    token = _ignored.set(True)
    try:
        yield
    finally:
        _ignored.reset(token)


def project_files() -> Iterator[ProjectFile]:
    """Yield the files that configure gilbench, the nearest first.

    Raises:
        UsageError: A trusted file cannot be read. One that is not trusted is skipped then.
    """
    if _ignored.get():
        return
    for folder in _folders():
        for path in (folder / name for name in _NAMES):
            if path.is_file() and (found := _read(path)) is not None:
                yield found


def is_project_file(path: Path) -> bool:
    """Return whether a file has the name of one that configures gilbench."""
    return path.name in _NAMES


def _read(path: Path) -> ProjectFile | None:
    """Read a file; None: it does not configure gilbench."""
    doubt = mistrust(path)
    try:
        table = _table(path, tomllib.loads(path.read_text(encoding="utf-8")))
        _refuse_nul(table)
    except (OSError, ValueError, RecursionError) as error:
        if doubt is not None:
            return None
        raise UsageError(f"cannot read {path}: {error}; fix the file, or pass --no-config") from error
    if table is None or (not isinstance(table, dict) and doubt is not None):
        return None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: tool.gilbench is not a table; write [tool.gilbench]")
    return ProjectFile(path, table, "" if path.name == _OWN else "tool.gilbench.", doubt)


def _table(path: Path, content: dict[str, Any]) -> Any:
    """Return what a file says of gilbench; None: nothing."""
    if path.name == _OWN:
        return content
    tool = content.get("tool")
    return tool.get("gilbench") if isinstance(tool, dict) else None


def _refuse_nul(content: Any) -> None:
    """Raise ValueError if a text contains NUL, which neither a path nor an argument can."""
    if isinstance(content, str) and "\0" in content:
        raise ValueError(f"{excerpt(content, 20)!r} contains NUL")
    if isinstance(content, dict):
        content = [*content, *content.values()]
    if isinstance(content, list):
        for inner in content:
            _refuse_nul(inner)


def _folders() -> list[Path]:
    """Return the current folder and its parents up to the root of its repository."""
    here = Path.cwd()
    folders = [here, *here.parents]
    root = next((number for number, folder in enumerate(folders) if (folder / ".git").exists()), 0)
    return folders[: root + 1]
