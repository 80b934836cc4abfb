"""Names functions of this process, so that a worker process can import them.

A measurement has its own processes: in the process of a test, other threads and tracers would be measured, too. So a
function is measured only if its module and its name lead to it. A lambda or a nested function has no such name.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

from gilbench.model.calls import OwnCall
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.plan.calls import parse_argument

Code = str | Callable[..., object]
_LONGEST = 10_000  # characters of an argument


def own_call(
    code: Code,
    arguments: Sequence[str] = (),
    setup: str = "",
    *,
    path: Sequence[str] = (),
    foreign: bool = False,
    shared: bool = False,
    name: str | None = None,
) -> OwnCall:
    """Describe a call for a worker process.

    Args:
        code: The function, or the text that names it.
        arguments: Its arguments, as ``NAME=VALUE``.
        setup: Source that runs first.
        path: Folders to import from; empty: for a function, those of this process, else the current one.
        foreign: The worker has another interpreter.
        shared: All threads use the objects of one setup.
        name: Its name in tables; None: that of the function.

    Raises:
        UsageError: The function cannot be imported by its name.
    """
    if not path and not isinstance(code, str):
        path = import_path(code, foreign=foreign)
    return OwnCall(
        code=name_of(code),
        arguments=tuple(arguments),
        setup=setup,
        path=tuple(path),
        shared=shared,
        name=name,
    )


def name_of(code: Code) -> str:
    """Return a function as ``package.module:function``; a text stays as it is.

    Raises:
        UsageError: The function cannot be imported by its name.
    """
    if isinstance(code, str):
        return code
    module, name = getattr(code, "__module__", None), getattr(code, "__qualname__", None)
    if not module or not name:
        raise _unnamed(excerpt(repr(code), 60))
    found: object = None
    with contextlib.suppress(AttributeError, KeyError):
        found = functools.reduce(getattr, name.split("."), sys.modules[module])
    if found is not code or module == "__main__":
        raise _unnamed(f"{module}:{name}")
    return f"{module}:{name}"


def import_path(code: Code, *, foreign: bool = False) -> tuple[str, ...]:
    """Return the folders from which a worker imports what this process can import.

    Args:
        code: The function, or the text that names it.
        foreign: The worker has another interpreter, which has its own standard library and packages.
    """
    folders = own_folders()
    if not isinstance(code, str):
        folders += _base(code.__module__)
    if foreign:
        folders = [folder for folder in folders if not _is_installed(folder)]
    return tuple(dict.fromkeys(folders))


def own_folders() -> list[str]:
    """Return the folders from which this process imports."""
    return [str(Path(folder).absolute()) for folder in sys.path]


def as_arguments(values: Sequence[object]) -> tuple[str, ...]:
    """Write positional arguments as ``1=VALUE``.

    Raises:
        UsageError: A value is not a literal of Python.
    """
    return tuple(f"{number}={_literal(number, value)}" for number, value in enumerate(values, start=1))


def _unnamed(name: str) -> UsageError:
    return UsageError(
        f"a worker process cannot import {name}\n"
        "Move the function to the top level of a module, or pass a statement and setup="
    )


def _base(module: str) -> list[str]:
    """Return the folder from which a module is imported by its name, also if it is not in ``sys.path``."""
    file = getattr(sys.modules[module], "__file__", None)
    if file is None:
        return []
    path, parts = Path(file).absolute(), module.split(".")
    names = path.parent.parts if path.stem == "__init__" else (*path.parent.parts, path.stem)
    if names[-len(parts) :] != tuple(parts):
        return []
    return [str(Path(*names[: -len(parts)]))]


def _is_installed(folder: str) -> bool:
    """Return whether a folder belongs to an interpreter, as its standard library does."""
    own = {
        os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    real = os.path.realpath(folder)
    packages = {"site-packages", "dist-packages"} & {*Path(real).parts}
    return (
        bool(packages)
        or real.endswith(".zip")
        or any(f"{real}{os.sep}".startswith(f"{one}{os.sep}") for one in own)
    )


def _literal(number: int, value: object) -> str:
    text = repr(value)
    if len(text) <= _LONGEST:
        try:
            found = parse_argument(f"{number}={text}")[1]
            if len(found) == 1 and _read(found[0]) == value:
                return text
        except (UsageError, ValueError, SyntaxError, TypeError):
            pass
    raise UsageError(
        f"argument {number} cannot be passed to a worker process: {excerpt(text, 60)}\n"
        "Pass a literal, or a statement that makes its objects in setup="
    )


def _read(value: object) -> object:
    return ast.literal_eval(value) if isinstance(value, str) else value
