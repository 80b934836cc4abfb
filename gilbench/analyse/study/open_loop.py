"""What open loops delivered, and the cases in which more was offered than could be served."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from gilbench.analyse.stats.queues import Phase, exceeds_capacity, seconds_per_answer
from gilbench.analyse.study.index import BlockKey, Blocks
from gilbench.model.study import Case, Run, Workload
from gilbench.plan.schedules import schedule_seconds, scheduled_rate


class OpenLoop(NamedTuple):
    """What a case was offered, and what it can serve."""

    offered: float  # requests or timers per second
    shares: Mapping[BlockKey, float]  # of what is offered that can be served, by block
    overloaded: bool  # more is offered than can be served, so latencies measure the length of the schedule

    @property
    def served(self) -> float:
        """How many of the offered requests or timers can be served per second."""
        return self.offered * sum(self.shares.values()) / len(self.shares)


def open_loop(blocks: Blocks, case: Case, workload: Workload) -> OpenLoop | None:
    """Return the load of a case; None: nothing was offered, or its rate is unknown, or nothing waits in a queue."""
    rate = scheduled_rate(workload, {**workload.parameters, **dict(case.parameters)})
    runs = {key: run for key, run in blocks.runs(case).items() if served_of_offered(run)[1]}
    if rate is None or not runs:
        return None
    seconds = schedule_seconds(blocks.plan.effort, workload)
    phases = {
        key: [Phase(slice_.latencies, slice_.offered or 0, seconds) for slice_ in run.slices]
        for key, run in runs.items()
    }
    loads = [rate * seconds_per_answer(one.waits() for one in seen) for seen in phases.values()]
    return OpenLoop(
        offered=rate,
        shares={key: _share(runs[key], rate * seconds_per_answer(seen)) for key, seen in phases.items()},
        overloaded=exceeds_capacity([load for load in loads if math.isfinite(load)]),
    )


def is_overloaded(blocks: Blocks, case: Case, workload: Workload) -> bool:
    """Return whether a case was offered more than it can serve."""
    found = open_loop(blocks, case, workload)
    return found is not None and found.overloaded


def served_of_offered(run: Run) -> tuple[int, int]:
    """Return the numbers of handled and of sent requests or signals of a run."""
    return sum(slice_.served or 0 for slice_ in run.slices), sum(slice_.offered or 0 for slice_ in run.slices)


def _share(run: Run, load: float) -> float:
    """Return the share of what is offered that is answered, at most what the service has the time for."""
    served, offered = served_of_offered(run)
    return min(served / offered, 1 / load) if load > 0 else served / offered
