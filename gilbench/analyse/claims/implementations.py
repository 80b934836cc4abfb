"""Claim 8: implementations without the GIL, and those that have one."""

from __future__ import annotations

from collections.abc import Callable

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit, speedup
from gilbench.analyse.claims.evidence import Spot
from gilbench.analyse.claims.processors import on_this_host, one_processor
from gilbench.analyse.study.host_speedup import PARALLEL
from gilbench.model.scores import Configuration

_FREE = ("Jython", "IronPython")
LOCKED = ("PyPy", "Stackless")


def implementations(cores: int) -> Claim:
    """Claim 8, with as many threads as CPUs."""
    threads, tasklets = Spot("countdown", cores), Spot("countdown_tasklets", cores)
    on_threads = threads, Spot("countdown", 1)
    return Claim(
        number=8,
        title="Jython and IronPython have no GIL and use all CPUs; Stackless and PyPy have a GIL",
        experiments=(
            ClaimExperiment(
                key="free",
                part="Jython and IronPython use all CPUs",
                measured=f"speedup of countdown on {cores} threads",
                spots=on_threads,
                read=speedup(threads),
                limit=Limit(PARALLEL, "above"),
                adapt=on_this_host(threads),
                lacks=_of(_FREE),
            ),
            ClaimExperiment(
                key="locked",
                part="PyPy and Stackless use one CPU",
                measured=f"speedup of countdown on {cores} threads",
                spots=on_threads,
                read=speedup(threads),
                limit=Limit(PARALLEL, "below"),
                adapt=on_this_host(threads),
                lacks=_of(LOCKED),
            ),
            ClaimExperiment(
                key="tasklets",
                part="so do their tasklets",
                measured=f"speedup of countdown_tasklets on {cores} tasklets",
                spots=(tasklets, Spot("countdown_tasklets", 1)),
                read=speedup(tasklets),
                limit=Limit(PARALLEL, "below"),
                adapt=on_this_host(tasklets),
                lacks=_of(LOCKED),
            ),
        ),
    )


def _of(names: tuple[str, ...]) -> Callable[[Configuration, int], str | None]:
    def lacks(configuration: Configuration, cores: int) -> str | None:
        if configuration.interpreter.build.implementation not in names:
            return f"concerns {' and '.join(names)} only"
        return one_processor(configuration, cores)

    return lacks
