"""Change points: planted steps are found, noise is left in peace."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray
from ruptures import KernelCPD

from gilbench.analyse.stats.changes import PENALTY, SHORTEST, find_changes
from gilbench.analyse.stats.segments import segment

SIGMA, STEP, COMMITS = 0.01, float(np.log(1.03)), 200
Floats = NDArray[np.float64]


def noise(rng: np.random.Generator, kind: str, count: int = COMMITS) -> Floats:
    if kind == "heavy":
        return np.asarray(SIGMA / np.sqrt(3) * rng.standard_t(3, size=count))
    values = SIGMA * rng.normal(size=count)
    if kind == "spiky":
        values[rng.random(count) < 0.03] += rng.choice([-0.15, 0.15])
    if kind == "correlated":
        for i in range(1, count):
            values[i] = 0.5 * values[i - 1] + np.sqrt(0.75) * values[i]
    return values


@pytest.mark.parametrize("kind", ["independent", "correlated", "heavy", "spiky"])
def test_at_most_one_in_twenty_unchanged_series_is_flagged(kind: str) -> None:
    rng = np.random.default_rng(1)
    flagged = sum(bool(find_changes(noise(rng, kind))) for _ in range(500))
    assert flagged <= 25


@pytest.mark.parametrize("kind", ["independent", "correlated", "heavy", "spiky"])
def test_a_step_of_three_percent_is_located_within_two_commits(kind: str) -> None:
    rng = np.random.default_rng(2)
    located = 0
    for _ in range(500):
        values, at = noise(rng, kind), int(rng.integers(20, COMMITS - 20))
        values[at:] += STEP * rng.choice([-1, 1])
        located += any(abs(change.at - at) <= 2 for change in find_changes(values))
    assert located >= 475


def test_size_and_place_lie_in_their_intervals_as_often_as_promised() -> None:
    rng = np.random.default_rng(3)
    sized = placed = found = 0
    for _ in range(400):
        values, at = noise(rng, "independent"), int(rng.integers(20, COMMITS - 20))
        values[at:] += STEP
        for change in find_changes(values):
            found += 1
            sized += change.lo <= 1.03 <= change.hi
            placed += change.first <= at <= change.last
    assert found >= 395
    assert 0.92 <= sized / found <= 0.99
    assert placed / found >= 0.95


def test_a_level_that_comes_back_is_two_changes_of_opposite_size() -> None:
    values = noise(np.random.default_rng(4), "independent")
    values[80:120] -= STEP
    there, back = find_changes(values)
    assert [there.at, back.at] == pytest.approx([80, 120], abs=2)
    assert there.size < 1 < back.size


@pytest.mark.parametrize("place", [0, 1, 100, COMMITS - 2, COMMITS - 1])
def test_one_or_two_commits_that_stick_out_are_no_change(place: int) -> None:
    values = noise(np.random.default_rng(5), "independent")
    values[place : place + 2] += 0.5
    assert find_changes(values) == ()


def test_a_regression_of_the_last_six_commits_is_found() -> None:
    values = noise(np.random.default_rng(6), "independent")
    values[-6:] -= STEP
    (change,) = find_changes(values)
    assert change.at == pytest.approx(COMMITS - 6, abs=2)
    assert change.first <= change.at <= change.last
    assert change.p < 0.02


def test_a_series_without_any_noise_shows_its_step_and_nothing_else() -> None:
    assert find_changes([0.25] * 30) == ()
    (change,) = find_changes([0.0] * 20 + [0.1] * 10)
    assert (change.first, change.at, change.last) == (20, 20, 20)
    assert change.size == pytest.approx(np.exp(0.1))


@pytest.mark.parametrize("count", range(2 * SHORTEST + 1))
def test_a_short_series_is_no_error(count: int) -> None:
    assert find_changes([0.0] * count) == ()


def test_an_episode_of_long_ago_is_found() -> None:
    values = noise(np.random.default_rng(8), "independent", 10_000)
    values[3000:3020] += 0.04
    assert [change.at for change in find_changes(values)] == pytest.approx([3000, 3020], abs=2)


@pytest.mark.parametrize("count", [60, 200, 1000])
def test_the_segmentation_is_nearly_always_the_exact_minimum(count: int) -> None:
    rng, trials = np.random.default_rng(9), 100
    agreed = 0
    for _ in range(trials):
        values = noise(rng, "independent", count)
        for at in rng.integers(0, count, rng.integers(0, 6)):
            values[at:] += rng.choice([-1, 1]) * rng.choice([0.01, 0.02, 0.03, 0.05])
        penalty = PENALTY * np.log(count) * SIGMA**2
        pelt = KernelCPD("linear", min_size=SHORTEST).fit(values[:, None]).predict(pen=penalty)
        found = segment(values, penalty, SHORTEST)
        assert cost(values, found, penalty) <= cost(values, pelt[:-1], penalty) + penalty / 4
        agreed += found == pelt[:-1]
    assert agreed >= 0.95 * trials


def cost(values: Floats, cuts: list[int], penalty: float) -> float:
    parts = np.split(values, cuts)
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts)) + penalty * len(cuts)


def test_ten_thousand_commits_take_less_than_half_a_second() -> None:
    rng = np.random.default_rng(7)
    values = noise(rng, "independent", 10_000)
    values[4000:] += STEP
    values[9500:] -= STEP
    start = time.process_time()
    found = find_changes(values)
    assert time.process_time() - start < 0.5
    assert [change.at for change in found] == pytest.approx([4000, 9500], abs=2)
