"""Open loops: whether a service keeps up with its schedule.

If more is offered than can be served, requests queue, and each waits longer than the one before. Their percentiles
then measure the length of the schedule, so there must be none. A service keeps up if it can serve the requests of one
second in less than a second: its load is below 1. The load is estimated from the latencies alone.

From the first answer to the last of n, a service is busy for the time between the n arrivals, without the idle gaps,
plus the growth of latency. The next arrival is independent of the current latency. With random arrivals at mean
distance g, a request of latency w is followed by a busy time of g (1 - exp(-w / g)) before the next one, on average.
Hence

    busy seconds per answer = mean of g (1 - exp(-w / g)) + (last latency - first latency) / (n - 1)

This is unbiased for any length of the schedule if requests are answered in turn, one at a time. If the distances are
more regular than random ones, it is too small. A delay that is the same for all requests does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Phase(NamedTuple):
    """One schedule, and what became of it."""

    latencies: Sequence[float]  # s, of the answered requests, in the order of the schedule
    offered: int  # number of requests
    seconds: float  # length of the schedule


def seconds_per_answer(phases: Iterable[Phase]) -> float:
    """Estimate for how long a service is busy with one request, in s; NaN: no phase has two answers."""
    busy, answers = 0.0, 0
    for phase in phases:
        seen = np.asarray(phase.latencies, dtype=np.float64)
        if seen.size > 1:
            gap = phase.seconds / (phase.offered + 1)
            busy += float(gap * -np.expm1(-np.maximum(seen[:-1], 0.0) / gap).sum() + seen[-1] - seen[0])
            answers += seen.size - 1
    return busy / answers if answers else math.nan


def exceeds_capacity(loads: Sequence[float]) -> bool:
    """Return whether a service is overloaded: whether its median load over blocks is above 1.

    No confidence is asked for. A service that is wrongly called overloaded is near its capacity, where latencies need
    far longer than a schedule to settle. One that is missed gets percentiles that say nothing. A stall of the host in
    a few blocks does not move the median.

    PLACEHOLDER

    Args:
        loads: Offered rate times ``seconds_per_answer``, one per block.
    """
    return bool(loads) and float(np.median(loads)) > 1
