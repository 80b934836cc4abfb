"""Measures what was published about the GIL, in one study: ``python ci/published_study.py STUDY.jsonl``.

The rows are those that the report compares with a study by itself: the collapse of an echo and how it depends on the
switch interval; counting beside hashing; an interrupt in a long C call; a polite thread beside two that count; the
old GIL on two processors and on one; what threads share, and what each has of its own. ``gilbench run`` takes the same
axes for all its workloads, which would be ten times as many cases.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from gilbench import workloads as catalogue
from gilbench.analyse.report import build_report
from gilbench.axes import Axes, cases
from gilbench.cli.measuring import measure_study
from gilbench.cli.planning import describe_study
from gilbench.errors import GilbenchError
from gilbench.interpreters import select
from gilbench.model import Case, Interpreter
from gilbench.plan import PROFILES
from gilbench.render.terminal import render_terminal

SPECS = ("2.7", "3.11", "3.13t")
INTERVALS = (0.01, 0.005, 0.001, 0.0005, 0.0001)  # s
BLOCKS = 10  # the old GIL on two processors needs them: each process has its own luck
SHARED = ("dict_write", "list_append", "counter_with_lock", "attribute_write")


def published_cases(interpreters: Sequence[Interpreter]) -> Iterator[Case]:
    """Each published row with the axes that it is about."""
    known = catalogue.catalogue()

    def row(names: Sequence[str], axes: Axes) -> Iterator[Case]:
        return cases([known[name] for name in names], interpreters, axes)

    yield from row(["tcp_echo_cpu"], Axes(threads=(1,), switch_intervals=INTERVALS))
    yield from row(["countdown"], Axes(threads=(1, 2), cpus=(1, None)))
    yield from row(["sha256", *SHARED, *(f"{name}_own" for name in SHARED)], Axes(threads=(1, 2)))
    yield from row(["cpued"], Axes(threads=(2,)))
    yield from row(["ctrl_c"], Axes(threads=(1,), parameters={"main": ("c_call",)}))


def main(arguments: Sequence[str]) -> int:
    """Measure, save, and show the report."""
    if len(arguments) != 1:
        print("usage: python ci/published_study.py STUDY.jsonl", file=sys.stderr)
        return 2
    try:
        interpreters = select(SPECS).interpreters
        chosen = list(dict.fromkeys(published_cases(interpreters)))
        known = catalogue.catalogue()
        workloads = tuple(known[name] for name in dict.fromkeys(case.workload for case in chosen))
        header = describe_study(
            chosen,
            profile=msgspec.structs.replace(PROFILES["quick"], blocks=BLOCKS),
            interpreters=interpreters,
            workloads=workloads,
            reference=interpreters[0].name,
        )
        study, interrupted = measure_study(header, Path(arguments[0]), Console(stderr=True), quiet=False)
    except GilbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    render_terminal(build_report(study), Console(highlight=False))
    return 130 if interrupted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
