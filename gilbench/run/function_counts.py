"""Counts the instructions of an operation by function, on both sides of a regression.

Python functions on CPython 3.12 and newer, else functions in C. Counts are of one thread, and need no interleaving.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from gilbench.model.errors import RunFailure
from gilbench.model.study import Build, Case, Interpreter, Workload
from gilbench.observe.function_counts import by_c_function, by_python_function, choose_by_function
from gilbench.observe.instructions import FILE, Counter, Trapped
from gilbench.plan.counting import INSTRUCTIONS, REPEATS, uncountable
from gilbench.run.counted_work import NAMES, CountedProcess, CountedWork, length_of, untrapped

ENOUGH = 1 << 23
"""Minimum number of instructions of a length: fewer than for a count that is itself compared with 1%."""
_TRAMPOLINES = (3, 12)  # version of CPython that has them first

ByFunction = dict[str, float]  # instructions per operation; those of all code under the empty name


class FunctionCounts(NamedTuple):
    """The counts of both sides, and why there are none, or fewer than planned."""

    sides: tuple[tuple[ByFunction, ByFunction], ...] = ()  # baseline and candidate of each repeat
    missing: str | None = None


def count_functions(
    pair: tuple[Case, Case],
    interpreters: Mapping[str, Interpreter],
    workloads: Mapping[str, Workload],
    stop: Callable[[], bool],
) -> FunctionCounts:
    """Count the operations of two cases that differ in their interpreter. Each repeat has another hash seed.

    Args:
        pair: The case of the baseline and that of the candidate.
        interpreters: The interpreters by name.
        workloads: Declarations by name.
        stop: Asked between counts.
    """
    cases = [msgspec.structs.replace(case, threads=1, observers=(INSTRUCTIONS,)) for case in pair]
    builds = [interpreters[case.interpreter].build for case in cases]
    trampolines = all(map(_has_trampolines, builds))
    reasons = [uncountable(case, build) for case, build in zip(cases, builds, strict=True)]
    if workloads[cases[0].workload].driver != "parallel":
        reasons.append("its threads do not repeat one operation")
    chosen = choose_by_function(trampolines=trampolines)
    if chosen.counter is None:
        reasons.append(chosen.reason)
    if chosen.counter is None or any(reasons):
        return FunctionCounts(missing=next(filter(None, reasons)))
    counting = _FunctionCounter(
        CountedWork(interpreters, workloads, trampolines=trampolines), chosen.counter, trampolines
    )
    sides: list[tuple[ByFunction, ByFunction]] = []
    try:
        length = counting.length(cases[0])
        for seed in range(REPEATS):
            before, after = (counting.counted(case, seed, length) for case in cases)
            sides.append((before, after))
            if stop():
                break
    except (RunFailure, Trapped) as error:
        return FunctionCounts(tuple(sides), str(error))
    return FunctionCounts(tuple(sides))


class _FunctionCounter(NamedTuple):
    work: CountedWork
    counter: Counter
    trampolines: bool

    def length(self, case: Case) -> int:
        """Return the number of operations to count."""
        return untrapped(
            lambda folder: length_of(self.work.count(case, 0, self.counter, folder, 1).instructions, ENOUGH)
        )

    def counted(self, case: Case, seed: int, length: int) -> ByFunction:
        return untrapped(partial(self._count, case, seed, length))

    def _count(self, case: Case, seed: int, length: int, folder: Path) -> ByFunction:
        found = self.work.count(case, seed, self.counter, folder, length)
        short, long = (self._read(one) for one in found)
        more = {name: long.get(name, 0) - short.get(name, 0) for name in {*short, *long}}
        return {
            "": found.instructions / length,
            **{name: one / length for name, one in more.items() if one > 0},
        }

    def _read(self, counted: CountedProcess) -> Mapping[str, int]:
        data = (counted.folder / FILE).read_bytes()
        if not self.trampolines:
            return by_c_function(data)
        return by_python_function(data, (counted.folder / NAMES).read_text("utf-8", "replace"))


def _has_trampolines(build: Build) -> bool:
    return build.implementation == "CPython" and build.version_info[:2] >= _TRAMPOLINES
