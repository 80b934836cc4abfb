"""Claim 3: the cost of GIL handovers in system calls, even if the GIL is not the bottleneck.

A thread that waits for the GIL calls the kernel. Most such calls end in a voluntary context switch, which the kernel
counts for every process. The count stands for the calls, and needs no observer that would slow anything down.
"""

from __future__ import annotations

import math

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit
from gilbench.analyse.claims.evidence import Spot
from gilbench.analyse.claims.processors import one_processor
from gilbench.model.study import Run

MULTIPLIED = 3.5
"""Switches relative to one thread: 5 times or more with any GIL, at most twice without one."""
DEARER_ON_CORES = 1.7
"""Switches on all CPUs relative to one CPU: 20 times with the old GIL, 2.2 to 7 times on PyPy, 1.2 times elsewhere."""


def switches(run: Run) -> float:
    """Voluntary context switches per second of a run; NaN if the kernel did not count them."""
    figures = (reading.figures.get("voluntary_switches", math.nan) for reading in run.readings)
    return next((figure for figure in figures if not math.isnan(figure)), math.nan)


def overhead() -> Claim:
    """Claim 3, with one and two CPU-bound threads, on one CPU and on all."""
    alone, two = Spot("countdown", 1), Spot("countdown", 2)
    confined = Spot("countdown", 2, cpus=1)
    return Claim(
        number=3,
        title="The system calls of the GIL degrade performance even if the GIL is not the bottleneck",
        experiments=(
            ClaimExperiment(
                key="threads",
                part="more with two threads than with one",
                measured="voluntary context switches of countdown, 2 threads relative to 1",
                spots=(two, alone),
                read=lambda evidence, configuration: evidence.ratio(configuration, two, alone, switches),
                limit=Limit(MULTIPLIED, "above"),
                lacks=one_processor,
            ),
            ClaimExperiment(
                key="cores",
                part="with two threads, more on several CPUs than on one",
                measured="voluntary context switches of countdown on 2 threads, all CPUs relative to one",
                spots=(two, confined),
                read=lambda evidence, configuration: evidence.ratio(configuration, two, confined, switches),
                limit=Limit(DEARER_ON_CORES, "above"),
                lacks=one_processor,
                aside=True,
            ),
        ),
    )
