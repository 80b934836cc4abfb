"""Claim 3: the cost of GIL handovers in system calls, even if the GIL is not the bottleneck.

A thread that waits for the GIL calls the kernel. Most such calls end in a voluntary context switch, which the kernel
counts for every process. A study that also ran the cases with ``--observe syscalls`` has the futex calls themselves,
which are then used instead.

The harness calls the kernel, too, to start and end each slice. A single thread has no handovers, so its count per slice
in the same block is that of the harness and the interpreter. Each thread of the other cases is allowed as many.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit
from gilbench.analyse.claims.evidence import Evidence, Missing, Series, Spot, minus
from gilbench.analyse.claims.processors import one_processor
from gilbench.analyse.figures import Figure
from gilbench.model.scores import Configuration
from gilbench.model.study import Reading, Run
from gilbench.plan.axes import SWITCH_INTERVAL

HANDOVERS = 0.5 / SWITCH_INTERVAL
"""Per CPU second: half of the handovers of a GIL that changes hands each switch interval. Each of them costs at least
one context switch. Without a GIL, there are none."""
CONTENDED = math.sqrt(2)
"""On all CPUs relative to one. If one thread at a time calls the kernel, as on one CPU, the ratio is 1. If both do so
at once, it is 2. The limit is halfway between them, as a ratio."""


def overhead() -> Claim:
    """Claim 3, with one and two CPU-bound threads, on one CPU and on all."""
    alone, two = Spot("countdown", 1), Spot("countdown", 2)
    confined = Spot("countdown", 2, cpus=1)

    def threads(evidence: Evidence, configuration: Configuration) -> Figure:
        return evidence.figure(_handovers(evidence, configuration, two, alone), "1/s", _rate)

    def cores(evidence: Evidence, configuration: Configuration) -> Figure:
        spots = two, confined
        several, single = (_handovers(evidence, configuration, spot, alone) for spot in spots)
        return evidence.figure(minus(several, single), "x")

    calls = "voluntary context switches (futex calls if observed) of countdown on 2 threads per CPU second"
    return Claim(
        number=3,
        title="The system calls of the GIL degrade performance even if the GIL is not the bottleneck",
        experiments=(
            ClaimExperiment(
                key="threads",
                part="more with two threads than with one",
                measured=f"{calls}, minus those of one thread",
                spots=(two, alone),
                read=threads,
                limit=Limit(HANDOVERS, "above"),
                lacks=one_processor,
            ),
            ClaimExperiment(
                key="cores",
                part="with two threads, more on several CPUs than on one",
                measured=f"{calls}, minus those of one thread, all CPUs relative to one",
                spots=(two, confined, alone),
                read=cores,
                limit=Limit(CONTENDED, "above"),
                lacks=one_processor,
                aside=True,
            ),
        ),
    )


def _handovers(evidence: Evidence, configuration: Configuration, spot: Spot, alone: Spot) -> Series:
    """Return the calls of a case per CPU second, minus those of one thread, by block.

    The scale is asinh of the rate in units of ``HANDOVERS``: like a logarithm for large rates, whose noise is relative,
    and linear around zero, where the difference can be negative.
    """
    runs, floors = evidence.runs(configuration, spot), evidence.runs(configuration, alone)
    count: Callable[[Run], float] = _switches
    watched = [evidence.observed(configuration, one, "syscalls") for one in (spot, alone)]
    if all(runs_ and all(map(math.isfinite, map(_futex_calls, runs_.values()))) for runs_ in watched):
        (runs, floors), count = watched, _futex_calls
    found = {
        key: math.asinh(_beyond(runs[key], floors[key], count, spot.threads) / HANDOVERS)
        for key in runs
        if key in floors
    }
    if found and all(map(math.isnan, found.values())):
        raise Missing("not here", f"the kernel did not count context switches of {spot.workload}")
    return found


def _rate(scaled: float) -> float:
    """Return the rate of ``_handovers``. Fewer calls than those of the harness are none."""
    return max(0.0, HANDOVERS * float(np.sinh(scaled)))


def _beyond(run: Run, alone: Run, count: Callable[[Run], float], threads: int) -> float:
    """Return the calls of a run beyond those of as many single threads, per CPU second; NaN: unknown."""
    floor = count(alone) / len(alone.slices)
    spent = [math.nan if slice_.cpu is None else slice_.cpu for slice_ in run.slices]
    seconds = sum(spent)
    return (count(run) - threads * floor * len(run.slices)) / seconds if seconds else math.nan


def _switches(run: Run) -> float:
    """Return the voluntary context switches in the slices of a run; NaN if the kernel did not count them."""
    return _seconds(run) * _figure(run, "cpu", "voluntary_switches")


def _futex_calls(run: Run) -> float:
    """Return the futex calls in the slices of a run; NaN if system calls were not observed."""
    share = sum(
        one.value
        for reading in _readings(run, "syscalls")
        for one in reading.functions
        if one.name.startswith("futex")
    )
    return _seconds(run) * share * _figure(run, "syscalls", "system_calls")


def _seconds(run: Run) -> float:
    return sum(slice_.end - slice_.start for slice_ in run.slices)


def _figure(run: Run, observer: str, name: str) -> float:
    figures = (reading.figures.get(name, math.nan) for reading in _readings(run, observer))
    return next(figures, math.nan)


def _readings(run: Run, observer: str) -> list[Reading]:
    return [reading for reading in run.readings if reading.observer == observer]
