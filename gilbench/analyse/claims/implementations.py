"""Claim 8: implementations without the GIL, and those that have one."""

from __future__ import annotations

from collections.abc import Callable

from gilbench.analyse.claims.claim import Claim, Experiment, Limit, speedup
from gilbench.analyse.claims.evidence import Spot
from gilbench.analyse.claims.processors import PARALLEL, one_processor
from gilbench.run.properties import Column

_FREE = ("Jython", "IronPython")
LOCKED = ("PyPy", "Stackless")


def implementations(cores: int) -> Claim:
    """Claim 8, at as many threads as there are processors."""
    threads, tasklets = Spot("countdown", cores), Spot("countdown_tasklets", cores)
    on_threads = threads, Spot("countdown", 1)
    return Claim(
        number=8,
        title="Jython and IronPython have no GIL and use all processors; Stackless and PyPy have one",
        experiments=(
            Experiment(
                key="free",
                part="Jython and IronPython use all processors",
                measured=f"speed-up of countdown on {cores} threads",
                spots=on_threads,
                read=speedup(threads),
                limit=Limit(PARALLEL, "above"),
                lacks=_of(_FREE),
            ),
            Experiment(
                key="locked",
                part="PyPy and Stackless use one",
                measured=f"speed-up of countdown on {cores} threads",
                spots=on_threads,
                read=speedup(threads),
                limit=Limit(PARALLEL, "below"),
                lacks=_of(LOCKED),
            ),
            Experiment(
                key="tasklets",
                part="so do their tasklets",
                measured=f"speed-up of countdown_tasklets on {cores} tasklets",
                spots=(tasklets, Spot("countdown_tasklets", 1)),
                read=speedup(tasklets),
                limit=Limit(PARALLEL, "below"),
                lacks=_of(LOCKED),
            ),
        ),
    )


def _of(names: tuple[str, ...]) -> Callable[[Column, int], str | None]:
    def lacks(column: Column, cpus: int) -> str | None:
        if column.interpreter.build.implementation not in names:
            return f"it is about {' and '.join(names)}"
        return one_processor(column, cpus)

    return lacks
