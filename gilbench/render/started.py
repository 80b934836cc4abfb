"""Says how interpreters were started, and what they turned out to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gilbench.model.study import Build, Interpreter


def started(interpreters: Sequence[Interpreter]) -> tuple[str, ...]:
    """Return a line for each interpreter that its name does not describe.

    Described are those with options or variables, those that lead to another file, and builds of the same version.
    """
    versions = Counter(_version(one.build) for one in interpreters)
    return tuple(
        _line(one)
        for one in interpreters
        if one.options or one.environment or one.executable != one.binary or versions[_version(one.build)] > 1
    )


def jit_state(build: Build) -> str:
    """Return whether the JIT of a build is on; empty: unknown."""
    if build.jit is None:
        return ""
    if not build.jit and build.jit_kind is None:
        return "no"
    return f"{'on' if build.jit else 'off'}{' (micro-operations)' if build.jit_kind == 'interpreter' else ''}"


def _line(one: Interpreter) -> str:
    build = one.build
    free = ", free-threaded" if build.free_threaded else ""
    at = f"{',' * bool(free)} at {one.binary}" if one.executable != one.binary else ""
    jit = f", JIT {jit_state(build)}" if build.jit_kind is not None else ""
    gil = f"GIL {'on' if one.gil_enabled else 'off'}"
    return f"{one.name}: {one.command_line}; {build.implementation} {build.version}{free}{at}; {gil}{jit}"


def _version(build: Build) -> tuple[object, ...]:
    return build.implementation, build.version, build.free_threaded, build.debug
