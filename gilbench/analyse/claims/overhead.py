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

MULTIPLIED = 3.5
"""Switches in times of those of one thread: five times and more under any GIL, 2 times at most without one."""
DEARER_ON_CORES = 1.7
"""Switches on all processors in times of those on one: 20 times under the old GIL, 2.2 to 7 on PyPy, else 1.2."""


def switches(run: Run) -> float:
    """Voluntary context switches per second of a run; NaN where the kernel did not say."""
    figures = (reading.figures.get("voluntary_switches", math.nan) for reading in run.readings)
    return next((figure for figure in figures if not math.isnan(figure)), math.nan)


def overhead() -> Claim:
    """Claim 3, by one and by two threads that compute, on one processor and on all."""
    alone, two = Spot("countdown", 1), Spot("countdown", 2)
    confined = Spot("countdown", 2, cpus=1)
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
                part="on two threads, more on several processors than on one",
                measured="voluntary context switches of countdown on 2 threads, divided by those on one processor",
                spots=(two, confined),
                read=lambda evidence, column: evidence.ratio(column, two, confined, switches),
                limit=Limit(DEARER_ON_CORES, "above"),
                lacks=one_processor,
                aside=True,
            ),
        ),
    )
