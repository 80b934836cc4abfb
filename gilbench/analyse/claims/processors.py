"""Claims 1 and 4: whether threads of Python code use several CPUs, and the cost of the attempt."""

from __future__ import annotations

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit, speedup
from gilbench.analyse.claims.evidence import Evidence, Spot
from gilbench.analyse.figures import Figure
from gilbench.model.scores import Configuration

PARALLEL = 1.3
"""Speedup that separates one CPU from two: with a GIL it is 1.0 within 10%, without one 1.9. Other programs on the host
take CPUs away, so the limit is closer to 1."""
DEARER = 1.5
"""Time of twice as many threads as CPUs, relative to one thread that does all the work. It is 1.0 within 3% with the
new GIL, 1.04 to 1.16 on PyPy, and 1.9 to 2.3 with the old GIL."""


def one_processor(_configuration: Configuration, cpus: int) -> str | None:
    """Return why an experiment that needs several CPUs does not apply; None: it applies."""
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

    With the old GIL, the time of two threads depends on their placement by the kernel: it was 1.05 to 1.4 times as long
    in different studies, and 0.7 to 2.3 times in single slices. Four threads on two CPUs took twice as long in every
    study.
    """
    many = Spot("countdown", 2 * cores)

    def time(evidence: Evidence, configuration: Configuration) -> Figure:
        return speedup(many)(evidence, configuration).inverse()

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
