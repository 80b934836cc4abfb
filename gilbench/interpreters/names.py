"""Names of interpreters in tables, and the order of versions."""

from __future__ import annotations

import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

import msgspec
from python_discovery import SimpleVersion

from gilbench.model.study import Build, Interpreter


def version_key(build: Build) -> SimpleVersion:
    """Return a sort key for versions: 3.15.0a2 < 3.15.0rc1 < 3.15.0."""
    return SimpleVersion.from_string(build.version.rstrip("+"))


def short_name(build: Build) -> str:
    """Return the shortest usual name: 3.13t, 2.7, 3.13d for a debug build, pypy3.9, jython2.7."""
    major, minor, _ = build.version_info
    return _name(build, f"{major}.{minor}")


def full_name(build: Build) -> str:
    """Return the name with the whole version: 3.13.5t, 3.15.0a2, pypy3.9.16."""
    return _name(build, build.version)


def name_all(interpreters: Iterable[Interpreter], *, by_path: bool = False) -> tuple[Interpreter, ...]:
    """Give each interpreter the shortest unique name: short, full, or full with a path or a number.

    Options are part of every name, since they change what is measured: ``3.14 -X importtime``.

    Args:
        interpreters: The interpreters.
        by_path: Tell builds of one version apart by where their paths differ, if they do: ``3.13.5 old``.
    """
    found = list(interpreters)
    alike: defaultdict[str, list[Interpreter]] = defaultdict(list)
    for one in found:
        alike[short_name(one.build)].append(one)
    # Of one version, options alone may make the difference.
    short = {name for name, those in alike.items() if len({full_name(one.build) for one in those}) == 1}
    short -= {name for name, those in alike.items() if len({one.options for one in those}) < len(those)}
    bases = [name if (name := short_name(one.build)) in short else full_name(one.build) for one in found]
    names = list(map(_with_options, found, bases))
    if by_path:
        for name in {name for name, count in Counter(names).items() if count > 1}:
            same = [index for index, other in enumerate(names) if other == name]
            parts = _different_parts([Path(found[index].executable) for index in same])
            for index, part in zip(same, parts, strict=True):
                names[index] = _with_options(found[index], f"{bases[index]} {part}".rstrip())
    seen: Counter[str] = Counter()
    named = []
    for interpreter, name in zip(found, names, strict=True):
        seen[name] += 1
        unique = name if seen[name] == 1 else f"{name}#{seen[name]}"
        named.append(msgspec.structs.replace(interpreter, name=unique))
    return tuple(named)


def _with_options(interpreter: Interpreter, name: str) -> str:
    return f"{name} {shlex.join(interpreter.options)}".rstrip()


def _different_parts(paths: Sequence[Path]) -> list[str]:
    """Return for each path its last part in which they differ: ``old`` and ``new`` for ``*/bin/python3``."""
    for parts in zip_longest(*(reversed(path.parts) for path in paths), fillvalue=""):
        if len(set(parts)) > 1:
            return list(parts)
    return [""] * len(paths)


def _name(build: Build, version: str) -> str:
    family = (
        "" if build.implementation == "CPython" else re.sub(r"[^a-z0-9]", "", build.implementation.lower())
    )
    return f"{family}{version}{'t' if build.free_threaded else ''}{'d' if build.debug else ''}"
