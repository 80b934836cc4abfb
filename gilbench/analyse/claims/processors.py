"""Claims 1 and 4: whether threads of Python code use several CPUs, and the cost of the attempt."""

from __future__ import annotations

import math
from collections.abc import Callable

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit, speedup
from gilbench.analyse.claims.evidence import Evidence, Missing, Spot
from gilbench.analyse.figures import Figure
from gilbench.analyse.study.host_speedup import PARALLEL, host_speedup, one_core, scaled_limit
from gilbench.model.scores import Configuration

DEARER = math.sqrt(2)
"""Time of twice as many threads as CPUs, relative to one thread that does all the work: halfway between the same time
and twice the time, as a ratio. It is 1.0 within 3% with the new GIL, 1.04 to 1.16 on PyPy, and 1.9 to 2.3 with the old
GIL."""


def one_processor(_configuration: Configuration, cores: int) -> str | None:
    """Return why an experiment that needs several cores does not apply; None: it applies."""
    return "only one core is available" if cores == 1 else None


def on_this_host(spot: Spot) -> Callable[[Evidence, Configuration, Limit], Limit]:
    """Adapt a limit of a speedup to what the host gives to processes of a loop in C on the same CPUs.

    If processes gain less than ``PARALLEL``, the CPUs are hardly more than one core, and threads cannot show anything.
    """

    def adapt(evidence: Evidence, configuration: Configuration, limit: Limit) -> Limit:
        gain = host_speedup(evidence.runs(configuration, spot).values())
        reason = one_core(gain)
        if reason is not None:
            raise Missing("not here", reason)
        return limit._replace(value=scaled_limit(limit.value, gain))

    return adapt


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
                adapt=on_this_host(Spot(workload, cores)),
                lacks=one_processor,
            )
            for workload, what in (("countdown", "countdown loop"), ("pidigits", "digits of pi"))
        ),
    )


def twice_the_time(cores: int, cpus: int | None) -> Claim:
    """Claim 4, with twice as many threads as cores, or as some of the CPUs.

    With the old GIL, the time of two threads depends on their placement by the kernel: it was 1.05 to 1.4 times as long
    in different studies, and 0.7 to 2.3 times in single slices. Four threads on two CPUs took twice as long in every
    study.
    """
    many = Spot("countdown", 2 * cores, cpus=cpus)

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
                adapt=on_this_host(many),
                lacks=one_processor,
            ),
        ),
    )
