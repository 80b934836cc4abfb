"""What this host gives to threads: the speedup of processes of a loop in C, measured next to the slices.

Limits of speedups are relative to it. Two CPUs can be one core, or a quota can stop one of them; then threads gain
nothing on any build.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from gilbench.model.metrics import write
from gilbench.model.results import HostGain
from gilbench.model.study import Run, Study

PARALLEL = math.sqrt(2)
"""Speedup that separates one core from several: halfway between one and two, as a ratio."""


def host_speedup(runs: Iterable[Run]) -> float | None:
    """Return the median of the speedups that the host gave on the CPUs of some runs; None: it was not measured."""
    found = [run.control.speedup for run in runs if run.control is not None]
    known = [gain for gain in found if gain]
    return statistics.median(known) if known else None


def host_gains(study: Study) -> tuple[HostGain, ...]:
    """Return what the host gives to each number of threads that may use all CPUs."""
    runs: dict[int, list[Run]] = {}
    for run in study.runs:
        case = study.header.plan.cases[run.case]
        if run.control is not None and case.cpus is None and case.threads > 1:
            runs.setdefault(case.threads, []).append(run)
    found = {threads: host_speedup(mine) for threads, mine in sorted(runs.items())}
    return tuple(HostGain(threads=threads, speedup=gain) for threads, gain in found.items() if gain)


def one_core(gain: float | None) -> str | None:
    """Return why CPUs with such a speedup say nothing about threads; None: they are several cores, or unknown."""
    if gain is None or gain >= PARALLEL:
        return None
    return f"the CPUs are hardly more than one core (processes in C gain {write(gain, 'x')})"


def scaled_limit(limit: float, gain: float | None) -> float:
    """Return the limit of a speedup on a host that gives less than two, in proportion on the log scale."""
    return limit if gain is None else min(limit, limit ** math.log2(max(1.0, gain)))
