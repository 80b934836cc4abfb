"""The moments at which something is due: random, in step with nothing, alike for each case of a round."""

from __future__ import annotations

import itertools
import math

import pytest
from studies import make_profile, make_workload

from gilbench.plan import schedules
from gilbench.plan.schedules import period, poisson, schedule_seconds, scheduled_rate, spread

SWITCH = 0.005  # s, the usual switch interval


def distances(moments: list[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise([0.0, *moments])]


def resultant(moments: list[float]) -> float:
    """How much the moments agree in their phase of the switch interval: 1 in step, about 1 / sqrt(n) by chance."""
    phases = [2 * math.pi * moment / SWITCH for moment in moments]
    return math.hypot(sum(map(math.cos, phases)), sum(map(math.sin, phases))) / len(phases)


@pytest.mark.parametrize("make", [poisson, spread, period])
def test_the_seed_alone_decides(make: object) -> None:
    first, again, other = (make(0.02 if make is not poisson else 50, 1.0, seed) for seed in (1, 1, 2))  # type: ignore[operator]
    assert first == again != other


def test_requests_arrive_as_from_independent_clients() -> None:
    moments = poisson(40, 500.0, 3)
    assert len(moments) == pytest.approx(20_000, rel=0.03)
    assert moments == sorted(moments)
    assert moments[0] > 0
    assert moments[-1] <= 500.0
    gaps = distances(moments)
    assert sum(gap > 0.025 for gap in gaps) / len(gaps) == pytest.approx(math.exp(-1), rel=0.05)


@pytest.mark.parametrize("interval", [0.001, 0.01, 0.02, 0.05])
def test_signals_and_timers_keep_a_distance_and_no_step_with_the_switch_interval(interval: float) -> None:
    moments = spread(interval, 1000 * interval, 5)
    assert len(moments) == 1000
    gaps = distances(moments)
    assert min(gaps) >= 0.5 * interval
    assert max(gaps) <= 1.5 * interval
    assert sum(gaps) / len(gaps) == pytest.approx(interval, rel=0.05)
    # A grid of 5, 10, 20 or 50 ms would have 1.
    assert resultant(moments) < 0.1


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.3])
def test_there_is_at_least_one_signal(seconds: float) -> None:
    assert len(spread(0.05, seconds, 1)) == max(1, round(seconds / 0.05))


def test_a_kernel_timer_has_another_period_in_each_slice_and_all_phases_over_slices() -> None:
    periods = [period(0.01, 0.3, seed) for seed in range(1000)]
    assert min(periods) >= 0.0075
    assert max(periods) <= 0.0125
    assert resultant(periods) < 0.1


@pytest.mark.parametrize("value", [0, -1, 0.0, "often", math.nan, math.inf])
def test_what_is_no_rate_or_interval_is_refused(value: float | str) -> None:
    with pytest.raises(ValueError, match=r"rate must be above 0 .*, not "):
        poisson(value, 1.0, 1)
    for make in (spread, period):
        with pytest.raises(ValueError, match=r"interval must be above 0 .*, not "):
            make(value, 1.0, 1)


def test_more_than_fits_into_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 1000000 per second"):
        poisson(10**9, 1.0, 1)
    with pytest.raises(ValueError, match="at least 1e-06 s"):
        spread(1e-9, 1.0, 1)


def test_the_rate_is_that_of_the_parameters_and_signals_do_not_queue() -> None:
    echo = make_workload("echo", "mixed", driver="service")
    assert scheduled_rate(echo, {"rate": 100}) == 100
    assert scheduled_rate(echo, {}) == schedules.RATE
    assert scheduled_rate(echo, {"rate": "often"}) is None
    assert scheduled_rate(make_workload("echo", "mixed", driver="service", foreground="other"), {}) is None
    timers = make_workload("timers", "mixed", driver="inside", scheduled=True)
    assert scheduled_rate(timers, {"interval": 0.01}) == pytest.approx(100)
    assert scheduled_rate(timers, {"interval": 0}) is None
    assert scheduled_rate(timers, {"work": 0.001}) is None
    assert scheduled_rate(make_workload("delivery", "signals", driver="signals"), {"interval": 0.02}) is None


def test_a_schedule_is_as_long_as_the_effort_or_the_workload_asks() -> None:
    effort = make_profile(latency_seconds=0.4)
    assert schedule_seconds(effort, make_workload()) == 0.4
    assert schedule_seconds(effort, make_workload(least_seconds=1.0)) == 1.0
