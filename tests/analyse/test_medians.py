"""The distribution-free intervals by which claims are judged."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilbench.analyse.stats.medians import median_interval, quantile_between
from gilbench.analyse.stats.quantiles import Latencies

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(values)
def test_a_median_lies_within_its_interval_and_the_interval_within_the_values(numbers: list[float]) -> None:
    interval = median_interval([numbers[::2], numbers[1::2]])
    if interval.lo is not None and interval.hi is not None:
        assert min(numbers) <= interval.lo <= interval.value <= interval.hi <= max(numbers)


def test_six_values_are_the_fewest_that_enclose_their_median() -> None:
    assert median_interval([[1.0, 2.0, 3.0], [4.0, 5.0]]).lo is None
    six = median_interval([[6.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    assert (six.lo, six.value, six.hi) == (1.0, 3.5, 6.0)


def test_one_block_alone_has_no_interval_however_many_slices_it_has() -> None:
    assert median_interval([[1.0, 2.0, 3.0] * 5]).lo is None


def test_what_is_not_known_makes_the_median_unknown() -> None:
    assert math.isnan(median_interval([[1.0] * 9, [math.nan]]).value)
    assert math.isnan(median_interval([]).value)


def test_a_quarter_of_disturbed_slices_leaves_a_median_where_it_is() -> None:
    interval = median_interval([[1.9, 2.0, 2.1] * 4, [0.2, 0.3, 0.4, 9.0]])
    assert interval.lo is not None
    assert interval.lo >= 1.9


def test_requests_that_were_never_served_are_the_latest_of_all() -> None:
    late = quantile_between(Latencies([0.001] * 20, 20), 0.9)
    assert late.value == math.inf
    assert late.lo == math.inf
    assert quantile_between(Latencies([0.001] * 40, 1), 0.5).hi == 0.001


@pytest.mark.parametrize(("share", "count"), [(0.5, 12), (0.5, 18), (0.5, 45), (0.9, 100), (0.9, 300)])
def test_the_interval_holds_the_percentile_as_often_as_it_promises(share: float, count: int) -> None:
    rng, hits, tries = random.Random(f"{share}/{count}"), 0, 2000
    for _ in range(tries):
        found = quantile_between(Latencies([rng.random() for _ in range(count)]), share)
        assert found.lo is not None
        assert found.hi is not None
        hits += found.lo <= share <= found.hi
    assert hits / tries >= 0.94
