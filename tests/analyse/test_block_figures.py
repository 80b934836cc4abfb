"""Figures over blocks."""

from __future__ import annotations

import math

import pytest

from gilbench.analyse.figures import mean_figure
from gilbench.analyse.stats.estimates import mean_interval


def test_a_figure_is_the_mean_over_blocks_on_the_scale_of_the_values() -> None:
    logs = [0.1, 0.2, 0.35]
    found, expected = mean_figure(logs, "x"), mean_interval(logs)
    assert expected.lo is not None
    assert expected.hi is not None
    assert found[:3] == pytest.approx([math.exp(end) for end in (expected.value, expected.lo, expected.hi)])
    assert (found.unit, found.doubt) == ("x", None)


def test_another_scale_is_converted_back_by_its_own_function() -> None:
    plain = mean_figure([1.0, 2.0, 3.0], "1/s", float)
    assert plain.value == 2.0
    assert plain.lo == pytest.approx(2 - 4.303 / math.sqrt(3), abs=0.001)


@pytest.mark.parametrize(
    ("logs", "doubt"),
    [
        ([0.1, 0.2], "too few blocks: 2 of at least 3"),
        ([0.1], "too few blocks: 1 of at least 3"),
        ([0.1, 0.1, 0.1], "all blocks have the same value"),
        ([0.1, math.nan, 0.2], "the value of a block is unknown"),
        ([0.1, math.inf, 0.2], "the value of a block is unknown"),
    ],
)
def test_without_an_interval_there_is_a_reason(logs: list[float], doubt: str) -> None:
    found = mean_figure(logs, "x")
    assert (found.lo, found.hi, found.doubt) == (None, None, doubt)
    assert math.isnan(found.value) == (not all(map(math.isfinite, logs)))


def test_a_very_wide_interval_is_an_interval() -> None:
    found = mean_figure([-700.0, 0.0, 700.0], "x")
    assert (found.lo, found.hi) == (0.0, math.inf)


def test_the_inverse_of_a_figure_has_its_ends_turned_around() -> None:
    found = mean_figure([0.1, 0.2, 0.35], "x")
    turned = found.inverse()
    assert found.hi is not None
    assert turned.value == 1 / found.value
    assert turned.lo == 1 / found.hi
