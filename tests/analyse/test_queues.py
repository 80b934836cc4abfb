"""Whether a service keeps up, by its latencies alone: known queues, simulated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator

from gilbench.analyse.stats.queues import Phase, exceeds_capacity, seconds_per_answer

RATE = 40.0  # 1/s
EFFORTS = {"quick": (5, 0.3), "standard": (12, 0.6), "rigorous": (30, 1.5)}  # blocks, and s of a schedule
Served = Callable[[Generator, np.ndarray, float], np.ndarray]


def in_turn(arrivals: np.ndarray, services: np.ndarray) -> np.ndarray:
    """Latencies of one server that answers in turn (Lindley 1952)."""
    done = np.cumsum(services)
    latencies: np.ndarray = done + np.maximum.accumulate(arrivals - (done - services)) - arrivals
    return latencies


def constant(_rng: Generator, arrivals: np.ndarray, service: float) -> np.ndarray:
    return in_turn(arrivals, np.full(arrivals.size, service))


def exponential(rng: Generator, arrivals: np.ndarray, service: float) -> np.ndarray:
    return in_turn(arrivals, rng.exponential(service, arrivals.size))


def phases(rng: Generator, served: Served, load: float, effort: str) -> list[Phase]:
    blocks, seconds = EFFORTS[effort]
    found = []
    for _ in range(blocks):
        arrivals = np.sort(rng.uniform(0, seconds, rng.poisson(RATE * seconds)))
        service = load / RATE * np.exp(0.1 * rng.standard_normal())  # processes differ
        found.append(Phase(served(rng, arrivals, service).tolist(), arrivals.size, seconds))
    return found


def loads(seen: list[Phase]) -> list[float]:
    known = [RATE * seconds_per_answer([one.waits()]) for one in seen]
    return [load for load in known if np.isfinite(load)]


def called(served: Served, load: float, effort: str, studies: int = 100) -> float:
    """How often a service of this load is called overloaded."""
    rng = np.random.default_rng(7)
    return sum(exceeds_capacity(loads(phases(rng, served, load, effort))) for _ in range(studies)) / studies


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("served", [constant, exponential])
@pytest.mark.parametrize("load", [0.5, 0.8, 1.5, 2.0])
def test_the_time_of_one_answer_is_found_whatever_the_length_of_the_schedule(
    served: Served, load: float, effort: str
) -> None:
    rng = np.random.default_rng(1)
    found = [RATE * seconds_per_answer(phases(rng, served, load, effort)) for _ in range(100)]
    assert np.mean(found) == pytest.approx(load, rel=0.06)


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("served", [constant, exponential])
def test_what_keeps_up_is_not_called_overloaded(served: Served, effort: str) -> None:
    assert called(served, 0.5, effort) == 0
    assert called(served, 0.8, effort) <= 0.05


@pytest.mark.parametrize("effort", EFFORTS)
def test_steady_service_is_not_called_overloaded_below_its_capacity(effort: str) -> None:
    assert called(constant, 0.95, effort) <= 0.03


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize(("served", "least"), [(constant, 0.88), (exponential, 0.8)])
def test_what_does_not_keep_up_is_called_overloaded(served: Served, least: float, effort: str) -> None:
    assert called(served, 1.5, effort) >= least
    assert called(served, 2.0, effort) >= 0.95


@pytest.mark.parametrize("delay", [0.03, 0.1, 0.3])
def test_a_delay_of_all_requests_is_no_queue(delay: float) -> None:
    def delayed(rng: Generator, arrivals: np.ndarray, _service: float) -> np.ndarray:
        return delay * (1 + 0.01 * rng.standard_normal(arrivals.size))

    assert called(delayed, 1.0, "quick") == 0


def test_the_latencies_of_an_overloaded_service_measure_its_schedule() -> None:
    """Why there are no percentiles: they grow with the schedule, and the load does not."""
    rng = np.random.default_rng(3)
    medians, found = [], []
    for effort in EFFORTS:
        seen = phases(rng, constant, 2.1, effort)
        medians.append(np.median([latency for one in seen for latency in one.latencies]))
        found.append(RATE * seconds_per_answer(seen))
    assert medians[1] > 1.5 * medians[0]
    assert medians[2] > 1.8 * medians[1]
    assert found == pytest.approx([2.1, 2.1, 2.1], rel=0.1)


def test_a_stall_in_a_few_blocks_is_not_overload() -> None:
    assert not exceeds_capacity([0.1, 30.0, 0.1, 0.2, 40.0])
    assert exceeds_capacity([1.2, 1.3, 0.1])
    assert not exceeds_capacity([])


def test_one_answer_tells_nothing() -> None:
    assert np.isnan(seconds_per_answer([Phase([0.1], 12, 0.3), Phase([], 0, 0.3)]))
