"""Reproduce published results about the GIL in one study: ``python ci/published_study.py STUDY.jsonl``.

The report compares these cases with the publications: an echo server with one CPU-bound thread, by switch interval;
Ctrl-C in a long C call; a thread that yields the GIL, with two that do not; the old GIL on one and on two CPUs; shared
and unshared objects. ``gilbench run`` applies the same axes to all workloads, which takes ten times as many cases.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from gilbench.analyse.study.report import build_report
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError
from gilbench.model.study import Case, Interpreter
from gilbench.plan import catalogue
from gilbench.plan.axes import Axes, cases
from gilbench.plan.blocks import EFFORTS
from gilbench.render.formats import write
from gilbench.work.listener import Listener
from gilbench.work.measure import run_study
from gilbench.work.planning import describe_study

SPECS = ("2.7", "3.11", "3.13t")
INTERVALS = (0.01, 0.005, 0.001, 0.0005, 0.0001)  # s
BLOCKS = 10  # the old GIL on two CPUs varies from process to process
SHARED = ("dict_write", "list_append", "counter_with_lock", "attribute_write")


def published_cases(interpreters: Sequence[Interpreter]) -> Iterator[Case]:
    """List the cases of each publication."""
    known = catalogue.catalogue()

    def row(names: Sequence[str], axes: Axes) -> Iterator[Case]:
        return cases([known[name] for name in names], interpreters, axes)

    yield from row(["tcp_echo_cpu"], Axes(threads=(1,), swept={"switch_interval": INTERVALS}))
    yield from row(["countdown"], Axes(threads=(1, 2), swept={"cpus": (1, None)}))
    yield from row(["sha256", *SHARED, *(f"{name}_own" for name in SHARED)], Axes(threads=(1, 2)))
    yield from row(["cpued"], Axes(threads=(2,)))
    yield from row(["ctrl_c"], Axes(threads=(1,), parameters={"main": ("c_call",)}))


class _Told(Listener):
    def progress(self, text: str, share: float | None = None, planned: float | None = None) -> None:  # noqa: ARG002
        print(text, file=sys.stderr)


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
            effort=msgspec.structs.replace(EFFORTS["quick"], blocks=BLOCKS),
            interpreters=interpreters,
            workloads=workloads,
            reference=interpreters[0].name,
        )
        measured = run_study(header, Path(arguments[0]), _Told())
    except GilbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write(build_report(measured.study), "terminal", sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
