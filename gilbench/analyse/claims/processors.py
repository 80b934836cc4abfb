"""Claims 1 and 4: whether threads of Python code use several CPUs, and the cost of the attempt."""

from __future__ import annotations

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit, speedup
from gilbench.analyse.claims.evidence import Evidence, Figure, Spot
from gilbench.model.scores import Configuration

PARALLEL = 1.3
"""Speedup that separates one CPU from two: with a lock the median is 1.0 within 10%, without one 1.9. Disturbance takes
CPUs away, so the limit is nearer to 1."""
DEARER = 1.5
"""Time of twice as many threads as CPUs, relative to one thread that does all the work. With the new GIL it is 1.0
within 3%, on PyPy 1.04 to 1.16, with the old GIL 1.9 to 2.3."""


def one_processor(_configuration: Configuration, cpus: int) -> str | None:
    """Why an experiment that needs several CPUs cannot be made."""
    return "only one CPU is available" if cpus == 1 else None


def processors(cores: int) -> Claim:
    """Claim 1, with as many threads as CPUs."""
    return Claim(
        number=1,
        title="Threads cannot use several CPUs for Python code",
        experiments=tuple(
            ClaimExperiment(
                key=workload,
                part=what,
                measured=f"speedup of {workload} on {cores} threads",
                spots=(Spot(workload, cores), Spot(workload, 1)),
                read=speedup(Spot(workload, cores)),
                limit=Limit(PARALLEL, "below"),
                lacks=one_processor,
            )
            for workload, what in (("countdown", "countdown loop"), ("pidigits", "digits of pi"))
        ),
    )


def twice_the_time(cores: int) -> Claim:
    """Claim 4, with twice as many threads as CPUs.

    What two cost under the old GIL is up to where the kernel puts them: medians of 1.05 to 1.4 times were seen from
    one study to the next, single slices of 0.7 to 2.3. Four on two processors took twice as long in every study.
    """
    many = Spot("countdown", 2 * cores)

    def time(evidence: Evidence, configuration: Configuration) -> Figure:
        return evidence.speedup(configuration, many).inverse()

    return Claim(
        number=4,
        title="Two threads that each call a function take up to twice as long as one thread that calls it twice",
        experiments=(
            ClaimExperiment(
                key="countdown",
                part=f"{2 * cores} threads on {cores} CPUs",
                measured=f"time of {2 * cores} threads of countdown relative to one thread that does all the work",
                spots=(many, Spot("countdown", 1)),
                read=time,
                limit=Limit(DEARER, "above"),
                lacks=one_processor,
            ),
        ),
    )
