"""Warms up the workers of builds with a JIT compiler until they get no faster."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

from gilbench.host.placement import Placement
from gilbench.host.process import cpu_time
from gilbench.model.study import Case, Plan
from gilbench.plan import blocks as planning
from gilbench.run.served import Served

LEAST = 0.3  # minimum fraction of the maximum warm-up: compilers have tiers, and each can look like the last
STEADY = 0.05  # a warm worker gets faster by less than this fraction
SLOW = 0.7  # a worker below this fraction of the rate in an earlier block is not warm
LATENCY = 0.05  # s of open loop in a slice
PAUSE = 0.03  # s between two checks whether a process is idle
REST = 0.5  # s, maximum wait after a slice until the JIT compiler is idle
IDLE = 0.04  # an idle process has less CPU time / wall time


class WarmUp:
    """The warm-ups of one session.

    Args:
        plan: The plan.
    """

    def __init__(self, plan: Plan) -> None:
        self._effort = plan.effort
        self._everywhere = Placement(plan.cpus, plan.cpus[0], plan.cpus[-1])  # room for threads that compile
        self._best: defaultdict[int, float] = defaultdict(float)  # by case, operations per second once warm

    def run(self, index: int, case: Case, worker: Served) -> None:
        """Run discarded slices until the worker is warm, or until the maximum warm-up of the effort level.

        Args:
            index: Index of the case in the plan.
            case: Case of the worker.
            worker: A worker that has loaded its workload.
        """
        limit, seconds = self._effort.warmup_seconds, planning.slice_seconds(case, self._effort)
        settle(worker.pid, limit)  # after its start, which was concurrent with others
        rates: list[float] = []
        spent = 0.0
        while spent < limit and not (spent >= LEAST * limit and self._is_warm(index, rates)):
            slice_ = worker.measure(-1, self._everywhere, seconds, LATENCY, 0)
            rates.append(slice_.operations / slice_.window if slice_.window > 0 else 0.0)
            spent += slice_.end - slice_.start
            spent += settle(worker.pid, limit - spent)
            worker.calibrate()
        self._best[index] = max([self._best[index], *rates[-1:]])

    def _is_warm(self, index: int, rates: Sequence[float]) -> bool:
        """Whether the last third is no faster than the second, and about as fast as earlier blocks."""
        third = len(rates) // 3
        steady = third > 0 and sum(rates[-third:]) < (1 + STEADY) * sum(rates[-2 * third : -third])
        return steady and rates[-1] > SLOW * self._best[index]


def settle(pid: int, limit: float) -> float:
    """Wait until a process is idle.

    A JIT compiler runs in its own threads. Without the wait, it would disturb the next slice, of this process or of
    another one.

    Args:
        pid: The process.
        limit: Maximum wait, in seconds.

    Returns:
        Length of the wait, in seconds.
    """
    began = now = time.monotonic()
    used = cpu_time(pid)
    while used is not None and now - began < limit:
        time.sleep(PAUSE)
        before, used, then = used, cpu_time(pid), now
        now = time.monotonic()
        if used is None or used - before < IDLE * (now - then):
            break
    return now - began
