"""Schedules: the moments at which requests, signals, and timers of a slice are due.

No schedule is periodic. With a period that is a multiple of the switch interval (5 ms by default), each event of a
slice would find the GIL in the same phase, and the latency would be that of one phase. All cases of a round get the
same schedule, since it depends only on the seed of the slice.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from gilbench.model.study import Effort, Value, Workload

RATE = 40.0  # requests per second of a service that declares none
MOST = 1_000_000  # events of a slice


def schedule_seconds(effort: Effort, workload: Workload) -> float:
    """Return the length of the schedule of a timed slice in s."""
    return max(effort.latency_seconds, workload.least_seconds)


def scheduled_rate(workload: Workload, parameters: Mapping[str, Value]) -> float | None:
    """Return how many requests or timers are due per second; None: unknown, or nothing waits in a queue.

    Pending signals are merged, so they do not queue.

    Args:
        workload: The workload.
        parameters: Parameters of the case, including the declared ones.
    """
    if workload.driver == "service":
        # A foreground, which is not part of a study, may declare another rate.
        value = parameters.get("rate", RATE if workload.foreground is None else "unknown")
        return float(value) if isinstance(value, int | float) and value > 0 else None
    interval = parameters.get("interval") if workload.driver == "inside" and workload.scheduled else None
    return 1 / interval if isinstance(interval, int | float) and interval > 0 else None


def poisson(rate: Value, seconds: float, seed: int) -> list[float]:
    """Schedule requests as independent clients would send them.

    Args:
        rate: Mean number of requests per second.
        seconds: Length of the schedule.
        seed: Seed of the slice.

    Returns:
        Seconds from the start, the smallest first.

    Raises:
        ValueError: The rate is not a number above 0, or there would be too many requests.
    """
    most = MOST / seconds if seconds else math.inf
    if not isinstance(rate, int | float) or not 0 < rate <= most:
        raise ValueError(f"the rate must be above 0 and at most {most:.0f} per second, not {rate}")
    rng, moments = random.Random(seed), []
    moment = rng.expovariate(rate)
    while moment <= seconds:
        moments.append(moment)
        moment += rng.expovariate(rate)
    return moments


def spread(interval: Value, seconds: float, seed: int) -> list[float]:
    """Schedule signals or timers with random distances, uniform from 0.5 to 1.5 intervals.

    The minimum distance keeps signals from being merged before anything delays their handler.

    Args:
        interval: Mean distance in s.
        seconds: Mean length of the schedule, which determines the number of events.
        seed: Seed of the slice.

    Returns:
        Seconds from the start, the smallest first; at least one.

    Raises:
        ValueError: The interval is not a number above 0, or there would be too many events.
    """
    rng, moments, moment = random.Random(seed), [], 0.0
    for _ in range(_count(interval, seconds)):
        moment += float(interval) * rng.uniform(0.5, 1.5)
        moments.append(moment)
    return moments


def period(interval: Value, seconds: float, seed: int) -> float:
    """Choose the period of a kernel timer, which cannot be irregular: uniform from 0.75 to 1.25 intervals.

    Arguments and errors as in ``spread``. With the usual interval of 10 ms, the range is one switch interval wide, so
    all phases are equally likely over slices.
    """
    _count(interval, seconds)
    return float(interval) * random.Random(seed).uniform(0.75, 1.25)


def _count(interval: Value, seconds: float) -> int:
    if not isinstance(interval, int | float) or not 0 < interval < math.inf or seconds / interval > MOST:
        raise ValueError(f"the interval must be above 0 and at least {seconds / MOST:g} s, not {interval}")
    return max(1, round(seconds / interval))
