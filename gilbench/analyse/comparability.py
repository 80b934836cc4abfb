"""Whether two builds may be compared: a difference in how they were compiled is not one of the GIL."""

from __future__ import annotations

import re

from gilbench.model import Build


def comparability(reference: Build, other: Build) -> tuple[str, ...]:
    """Say why the figures of ``other`` should not be held against those of ``reference``.

    What one of the two does not know of itself is no reason.

    Returns:
        One line for each reason, none where the builds may be compared. Compile flags count between builds of
        the same implementation only: PyPy and CPython are always compiled differently.
    """
    reasons = [_fact(reference.debug, other.debug, "a debug build", "a release build")]
    if reference.implementation == other.implementation:
        reasons += [
            _fact(reference.pgo, other.pgo, "built with PGO", "built without PGO"),
            _fact(reference.lto, other.lto, "built with LTO", "built without LTO"),
            _text(reference.optimisation, other.optimisation, "compiled with"),
            _text(_compiler(reference), _compiler(other), "compiled by"),
        ]
    return tuple(reason for reason in reasons if reason)


def _fact(reference: bool | None, other: bool | None, yes: str, no: str) -> str | None:
    if reference is None or other is None or reference == other:
        return None
    return f"{yes if other else no}, the reference is {yes if reference else no}"


def _text(reference: str | None, other: str | None, how: str) -> str | None:
    if reference is None or other is None or reference == other:
        return None
    return f"{how} {other}, the reference {how} {reference}"


def _compiler(build: Build) -> str | None:
    """Name and major version: ``GCC 12``."""
    found = re.match(r"([A-Za-z]+)\s+(\d+)", build.compiler or "")
    return f"{found[1]} {found[2]}" if found else None
