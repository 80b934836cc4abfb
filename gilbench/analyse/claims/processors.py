"""Claims 1 and 4: whether threads of Python code use several processors, and what it costs them to try."""

from __future__ import annotations

from gilbench.analyse.claims.claim import Claim, Experiment, Limit, speedup
from gilbench.analyse.claims.evidence import Evidence, Figure, Spot
from gilbench.run.properties import Column

PARALLEL = 1.3
"""Speed-up that tells one processor from two: under a lock the median is 1.0 within a tenth, without one 1.9; and what
disturbs a measurement takes processors away, so it lies nearer to one."""
DEARER = 1.5
"""Time of twice as many threads as there are processors, over that of one that does the work of all. Under the new GIL
it is 1.0 within 3 %, on PyPy 1.04 to 1.16, under the old one 1.9 to 2.3."""


def one_processor(_column: Column, cpus: int) -> str | None:
    """Say why there is nothing to see where several processors are needed."""
    return "there is one processor to run on" if cpus == 1 else None


def processors(cores: int) -> Claim:
    """Claim 1, at as many threads as there are processors."""
    return Claim(
        number=1,
        title="Threads cannot use several processors for Python code",
        experiments=tuple(
            Experiment(
                key=workload,
                part=what,
                measured=f"speed-up of {workload} on {cores} threads",
                spots=(Spot(workload, cores), Spot(workload, 1)),
                read=speedup(Spot(workload, cores)),
                limit=Limit(PARALLEL, "below"),
                lacks=one_processor,
            )
            for workload, what in (("countdown", "counting down"), ("pidigits", "digits of pi"))
        ),
    )


def twice_the_time(cores: int) -> Claim:
    """Claim 4, with twice as many threads as there are processors.

    What two cost under the old GIL is up to where the kernel puts them: medians of 1.05 to 1.4 times were seen from
    one study to the next, single slices of 0.7 to 2.3. Four on two processors took twice as long in every study.
    """
    many = Spot("countdown", 2 * cores)

    def time(evidence: Evidence, column: Column) -> Figure:
        return evidence.speedup(column, many).inverse()

    return Claim(
        number=4,
        title="Two threads that call a function take up to twice the time of one thread that calls it twice",
        experiments=(
            Experiment(
                key="countdown",
                part=f"{2 * cores} threads on {cores} processors",
                measured=f"time of {2 * cores} threads of countdown, divided by that of one thread that does it all",
                spots=(many, Spot("countdown", 1)),
                read=time,
                limit=Limit(DEARER, "above"),
                lacks=one_processor,
            ),
        ),
    )
