"""Counted cases: instructions of a fixed number of operations, in runs of their own outside the blocks.

A neighbor cannot change a count, so counted cases need no interleaving. Each is counted ``REPEATS`` times, with the
hash seeds 0, 1, and 2: the repeats of one seed are equal, and those of different seeds show the influence of hashing.
"""

from __future__ import annotations

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Build, Case, Workload

INSTRUCTIONS = "instructions"  # observer of a counted case, and value of --count
METRIC = "instructions_per_operation"
RELATIVE = "relative_instructions"  # to those of the reference
REPEATS = 3
SECONDS = 8.0  # of one case under callgrind: 16 s of CPU time on 2 CPUs; used for the estimate only
_COUNTABLE = frozenset({"CPython", "Stackless", "PyPy"})  # the last one without its JIT compiler


def is_counted(case: Case) -> bool:
    """Return whether the instructions of a case are counted; otherwise, it is timed."""
    return INSTRUCTIONS in case.observers


def countable(workload: Workload, threads: int) -> bool:
    """Return whether a count shows the work of a case: one thread that computes and does not wait."""
    return workload.family == "cpu" and workload.driver == "parallel" and threads == 1


def uncountable(case: Case, build: Build) -> str | None:
    """Return why a case is not counted on its build; None: it is counted."""
    jit = build.jit if case.jit is None else case.jit
    if jit or build.implementation not in _COUNTABLE:
        return "not counted: it compiles code at moments that depend on time"
    return None


def parse_count(text: str | None) -> bool:
    """Read the value of ``--count``.

    Raises:
        UsageError: It is neither absent nor ``instructions``.
    """
    if text not in {None, INSTRUCTIONS}:
        raise UsageError(f"--count: {excerpt(str(text), 20)!r} cannot be counted; use {INSTRUCTIONS}")
    return text is not None
