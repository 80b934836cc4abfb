"""Whether two builds, or two hosts, may be compared: a difference between compile flags is not one of the GIL."""

from __future__ import annotations

import re

from gilbench.model.study import Build, Host


def comparability(reference: Build, other: Build) -> tuple[str, ...]:
    """List the differences that make results of two builds hard to compare.

    A fact that one of the two builds does not know is no difference.

    Args:
        reference: Named second in each line.
        other: Named first.

    Returns:
        One line per difference, for example ``without PGO vs with PGO``. Compile flags count only between builds of
        the same implementation: PyPy and CPython are always compiled differently.
    """
    facts = [(reference.debug, other.debug, "debug build", "release build")]
    texts: list[tuple[str | None, str | None]] = []
    if reference.implementation == other.implementation:
        facts += [
            (reference.pgo, other.pgo, "with PGO", "without PGO"),
            (reference.lto, other.lto, "with LTO", "without LTO"),
            (reference.tail_calls, other.tail_calls, "with tail calls", "without tail calls"),
        ]
        texts = [
            (reference.optimisation, other.optimisation),
            (_compiler(reference), _compiler(other)),
        ]
    texts = [
        *((_named(first, yes, no), _named(second, yes, no)) for first, second, yes, no in facts),
        *texts,
    ]
    return tuple(f"{second} vs {first}" for first, second in texts if first and second and first != second)


def same_host(one: Host, other: Host) -> bool:
    """Return whether ratios of two builds are comparable across two hosts.

    Builds differ in their ratio across CPU models, and across numbers of CPUs. A host has no other identity in a study.
    """
    first, second = (
        (host.system, host.machine, host.cpu_model, host.cores, host.quota) for host in (one, other)
    )
    return first == second


def _named(fact: bool | None, yes: str, no: str) -> str | None:
    return None if fact is None else yes if fact else no


def _compiler(build: Build) -> str | None:
    """Name and major version: ``GCC 12``."""
    found = re.match(r"([A-Za-z]+)\s+(\d+)", build.compiler or "")
    return f"{found[1]} {found[2]}" if found else None
