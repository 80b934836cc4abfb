"""Warms up the workers of builds that compile as they run, until they get no faster."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

from gilbench import plan as planning
from gilbench.model import Case, Plan
from gilbench.observe.cpu import process_cpu_time
from gilbench.run.affinity import Placement
from gilbench.run.served import Served

LEAST = (
    0.3  # of the time that a warm-up may take: a compiler works in tiers, and each may seem to be the last
)
STEADY = 0.05  # by which a worker may still get faster when it is taken to be warm
SLOW = 0.7  # of what the same case came to in an earlier block: it is not warm yet
LATENCY = 0.05  # s of scheduled requests in a slice
LOOK = 0.03  # s between two looks at whether a process rests
REST = 0.5  # s that a worker which compiles as it runs is given after a slice, at most
IDLE = 0.04  # CPU time over wall time below which it does


class WarmUp:
    """The warm-ups of one session.

    Args:
        plan: What is run.
    """

    def __init__(self, plan: Plan) -> None:
        self._profile = plan.profile
        self._everywhere = Placement(plan.cpus, plan.cpus[0], plan.cpus[-1])  # room for threads that compile
        self._best: defaultdict[int, float] = defaultdict(float)  # by case, operations per second once warm

    def run(self, index: int, case: Case, worker: Served) -> None:
        """Serve slices that are thrown away until the worker is warm, or has had the time that the profile allows.

        Args:
            index: Of the case in the plan.
            case: What the worker serves.
            worker: It has loaded its workload.
        """
        limit, seconds = self._profile.warmup_seconds, planning.slice_seconds(case, self._profile)
        settle(worker.pid, limit)  # from its start, with others that started beside it
        rates: list[float] = []
        spent = 0.0
        while spent < limit and not (spent >= LEAST * limit and self._is_warm(index, rates)):
            piece = worker.measure(-1, self._everywhere, seconds, LATENCY, 0)
            rates.append(piece.operations / piece.window if piece.window > 0 else 0.0)
            spent += piece.end - piece.start
            spent += settle(worker.pid, limit - spent)
            worker.calibrate()
        self._best[index] = max([self._best[index], *rates[-1:]])

    def _is_warm(self, index: int, rates: Sequence[float]) -> bool:
        """Whether it got no faster from its second third to its last, and is about as fast as in earlier blocks."""
        third = len(rates) // 3
        steady = third > 0 and sum(rates[-third:]) < (1 + STEADY) * sum(rates[-2 * third : -third])
        return steady and rates[-1] > SLOW * self._best[index]


def settle(pid: int, limit: float) -> float:
    """Wait until a process rests, and return for how long that took, in s.

    A virtual machine compiles in threads of its own. What is left to compile when a slice ends is done beside the
    next slice otherwise, of this process or of another one.

    Args:
        pid: The process.
        limit: s after which it is waited for no longer.
    """
    began = now = time.monotonic()
    used = process_cpu_time(pid)
    while used is not None and now - began < limit:
        time.sleep(LOOK)
        before, used, then = used, process_cpu_time(pid), now
        now = time.monotonic()
        if used is None or used - before < IDLE * (now - then):
            break
    return now - began
