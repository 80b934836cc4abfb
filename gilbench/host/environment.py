"""The environment in which gilbench starts programs, and where it finds them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

_PACKAGES = str(Path(__file__).parents[2])  # without ``site``, gilbench would not be found


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Copy the environment without variables that change an interpreter (``PYTHON*``, virtual environments)."""
    unwanted = ("PYTHON", "VIRTUAL_ENV", "PYENV_VERSION", "__PYVENV", "JYTHON", "IRONPYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    kept["PATH"] = _search_path()  # the child may start programs, too
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1", **(extra or {})}


def without_site(module: str) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment that start a module of gilbench fast: without ``site``."""
    return [sys.executable, "-P", "-S", "-m", module], clean_environment({"PYTHONPATH": _PACKAGES})


def find_tool(name: str) -> str | None:
    """Find a program by its name in the folders of PATH, or by its absolute path.

    Empty and relative entries of PATH are ignored: they would start a program from the current folder.
    """
    return shutil.which(name, path=_search_path()) if name[:1] == os.sep or os.sep not in name else None


def _search_path() -> str:
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(filter(os.path.isabs, entries)) or os.defpath
