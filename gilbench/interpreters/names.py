"""Names of interpreters in tables, and the order of versions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

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


def name_all(interpreters: Iterable[Interpreter]) -> tuple[Interpreter, ...]:
    """Give each interpreter the shortest unique name: short, full, or full with a number."""
    found = list(interpreters)
    sharing = Counter(short_name(one.build) for one in found)
    seen: Counter[str] = Counter()
    named = []
    for interpreter in found:
        short = short_name(interpreter.build)
        name = short if sharing[short] == 1 else full_name(interpreter.build)
        seen[name] += 1
        unique = name if seen[name] == 1 else f"{name}#{seen[name]}"
        named.append(msgspec.structs.replace(interpreter, name=unique))
    return tuple(named)


def _name(build: Build, version: str) -> str:
    family = (
        "" if build.implementation == "CPython" else re.sub(r"[^a-z0-9]", "", build.implementation.lower())
    )
    return f"{family}{version}{'t' if build.free_threaded else ''}{'d' if build.debug else ''}"
