"""What an interpreter is called in tables, and which of two versions is newer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import msgspec
from python_discovery import SimpleVersion

from gilbench.model import Build, Interpreter


def version_key(build: Build) -> SimpleVersion:
    """Order of versions, in which 3.15.0a2 comes before 3.15.0rc1 and that before 3.15.0."""
    return SimpleVersion.from_string(build.version.rstrip("+"))


def short_name(build: Build) -> str:
    """The shortest usual name: 3.13t, 2.7, 3.13d for a debug build, pypy3.9, jython2.7."""
    major, minor, _ = build.version_info
    return _name(build, f"{major}.{minor}")


def full_name(build: Build) -> str:
    """The same with the whole version: 3.13.5t, 3.15.0a2, pypy3.9.16."""
    return _name(build, build.version)


def name_all(interpreters: Iterable[Interpreter]) -> tuple[Interpreter, ...]:
    """Give each the shortest name that no other has: the short one, else the full one, else with a number."""
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
