"""The thread counts of a run without ``--threads``: as many as a quick run has time for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.model.study import Build, Interpreter, Workload
from gilbench.plan.axes import Axes, cases
from gilbench.plan.blocks import EFFORTS, long_slices_seconds

PROMISED = 46.0
"""s of a quick run for the long slices of one CPython, by estimate. A run of three on two cores, with 1, 2, and 4
threads, was estimated at 44 s each; with its short slices, it took 128 s of the promised 150."""
_NOMINAL = Interpreter(
    name="nominal",
    executable="",
    binary="",
    build=Build(implementation="CPython", version="3.13.0", version_info=(3, 13, 0)),
    gil_enabled=True,
)


def default_threads(cores: int, workloads: Sequence[Workload]) -> tuple[int, ...]:
    """Return 1, 2, and more thread counts while a quick run keeps its promised time.

    The largest useful counts are tried first: all cores, then powers of two below, then twice the cores. Other effort
    levels use the same counts, so that their results can be compared.

    Args:
        cores: Cores of the host.
        workloads: Workloads of the run.
    """
    chosen = {1, 2}
    for count in _candidates(cores):
        if _seconds(chosen | {count}, workloads) <= PROMISED:
            chosen.add(count)
    return tuple(sorted(chosen))


def _candidates(cores: int) -> Iterator[int]:
    yield cores
    below = 1 << (cores - 1).bit_length() >> 1 if cores > 1 else 1
    while below > 2:  # noqa: PLR2004 - two threads are always measured
        yield below
        below //= 2
    yield 2 * cores


def _seconds(counts: set[int], workloads: Sequence[Workload]) -> float:
    axes = Axes(threads=tuple(sorted(counts)), few_choices=True)
    return long_slices_seconds(
        tuple(cases(workloads, [_NOMINAL], axes)),
        EFFORTS["quick"],
        {workload.name: workload for workload in workloads},
        {_NOMINAL.name: _NOMINAL},
    )
