"""Claim 3: what handing the GIL over costs in system calls, also where it is not what everybody waits for.

A thread that waits for the GIL calls the kernel, and most such calls end in a voluntary context switch, which the
kernel counts for every process. That count stands for the calls: it needs no observer, so nothing is slowed down.
"""

from __future__ import annotations

import math

from gilbench.analyse.claims.claim import Claim, Experiment, Limit
from gilbench.analyse.claims.evidence import Spot
from gilbench.analyse.claims.processors import one_processor
from gilbench.model import Run

MULTIPLIED = 2.5
"""Switches beside those of one thread: seven times and more under any GIL, 1.1 times without one."""
DEARER_ON_CORES = 1.6
"""Switches on all processors beside those on one: three times and more under a GIL, 0.9 to 1.2 without one."""


def switches(run: Run) -> float:
    """Voluntary context switches per second of a run; NaN where the kernel did not say."""
    figures = (reading.figures.get("voluntary_switches", math.nan) for reading in run.readings)
    return next((figure for figure in figures if not math.isnan(figure)), math.nan)


def overhead() -> Claim:
    """Claim 3, by two threads that compute, and by two that make system calls on one processor and on all."""
    alone, two = Spot("countdown", 1), Spot("countdown", 2)
    confined, everywhere = Spot("null_write", 2, cpus=1), Spot("null_write", 2)
    return Claim(
        number=3,
        title="It degrades performance even when it is not the bottleneck: the overhead of its system calls",
        experiments=(
            Experiment(
                key="threads",
                part="more on two threads than on one",
                measured="voluntary context switches of countdown on 2 threads, divided by those on one",
                spots=(two, alone),
                read=lambda evidence, column: evidence.ratio(column, two, alone, switches),
                limit=Limit(MULTIPLIED, "above"),
                lacks=one_processor,
            ),
            Experiment(
                key="cores",
                part="more on several processors than on one",
                measured="voluntary context switches of null_write on 2 threads, divided by those on one processor",
                spots=(everywhere, confined),
                read=lambda evidence, column: evidence.ratio(column, everywhere, confined, switches),
                limit=Limit(DEARER_ON_CORES, "above"),
                lacks=one_processor,
            ),
        ),
    )
