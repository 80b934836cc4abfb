from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilbench.analyse.stats.estimates import Estimate, contrast, mean_estimate
from gilbench.analyse.stats.fractions import fraction_difference
from gilbench.analyse.stats.verdicts import blocks_needed, discoveries, margin, verdict, verdicts

if TYPE_CHECKING:
    from gilbench.model.metrics import Better


def estimate(ratio: float, error: float = 0.005, blocks: int = 10, doubt: str | None = None) -> Estimate:
    return Estimate(
        value=math.log(ratio),
        error=error,
        freedom=blocks - 1,
        blocks=blocks,
        doubt=doubt,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("ratio", "better", "word"),
    [
        (1.10, "higher", "improved"),
        (1.10, "lower", "regressed"),
        (0.90, "higher", "regressed"),
        (0.90, "lower", "improved"),
        (1.001, "higher", "equivalent"),
        (1.02, "lower", "inconclusive"),
    ],
)
def test_the_word_follows_from_the_interval_the_threshold_and_the_direction(
    ratio: float, better: Better, word: str
) -> None:
    assert verdict(estimate(ratio), better).verdict == word


@given(st.floats(-0.2, 0.2), st.floats(0.001, 0.1), st.integers(3, 20))
def test_a_lone_verdict_says_where_the_interval_lies(value: float, error: float, blocks: int) -> None:
    row = estimate(math.exp(value), error, blocks)
    interval, word = row.interval(), verdict(row, "higher").verdict
    assert interval.lo is not None
    assert interval.hi is not None
    if word == "improved":
        assert interval.lo > 1.02
    elif word == "regressed":
        assert interval.hi < 1 / 1.02
    elif word == "equivalent":
        assert 1 / 1.02 < interval.lo <= interval.hi < 1.02
    else:
        assert interval.lo <= 1.02
        assert interval.hi >= 1 / 1.02


@given(
    st.lists(st.one_of(st.floats(), st.sampled_from([math.nan, math.inf, 0.1])), max_size=8),
    st.sampled_from([0.0, 0.02]),
)
def test_no_values_whatever_raise_and_doubtful_ones_are_never_significant(
    values: list[float], threshold: float
) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        row = mean_estimate(values)
    result = verdict(row, "higher", threshold=threshold)
    if len(values) < 3 or not np.isfinite(values).all() or np.ptp(values) == 0:
        assert result.verdict == "inconclusive"
        assert result.reason == row.doubt
        assert result.reason is not None


@pytest.mark.parametrize(
    ("baseline", "reason"),
    [
        ([1.0], "too few blocks"),
        ([1.0, 1.1, 1.2], "unequal blocks"),
        ([1.0] * 5, "zero variance"),
        ([1.0, 1.0, math.nan, 1.0, 1.1], "values that are not finite"),
        ([], "too few blocks"),
    ],
)
def test_two_studies_that_do_not_match_are_inconclusive(baseline: list[float], reason: str) -> None:
    candidate = mean_estimate([9.0, 9.1, 9.0, 9.1, 9.0])
    result = verdict(contrast(candidate, mean_estimate(baseline)), "higher")
    assert (result.verdict, result.reason) == ("inconclusive", reason)


def test_an_inconclusive_verdict_says_why_and_how_many_more_blocks() -> None:
    result = verdict(estimate(1.05, 0.02, 5), "higher")
    assert (result.verdict, result.reason) == ("inconclusive", "interval too wide")
    assert result.blocks_needed is not None
    assert 5 < result.blocks_needed < 50


def test_a_change_without_a_better_direction_is_told_apart_from_noise() -> None:
    result = verdict(estimate(1.2), "neither")
    assert (result.verdict, result.reason) == ("inconclusive", "neither direction is better")
    assert verdict(estimate(1.0), "neither").verdict == "equivalent"


def test_delivery_that_is_certain_in_every_block_can_be_decided() -> None:
    all_served, none_served = ([40] * 5, [40] * 5), ([0] * 5, [40] * 5)
    assert verdict(fraction_difference(all_served, none_served), "higher").verdict == "improved"
    assert verdict(fraction_difference(all_served, all_served), "higher").verdict == "equivalent"


# --- matrix ---------------------------------------------------------------------------------------------


def test_what_is_certain_alone_may_be_one_of_too_many() -> None:
    borderline = estimate(math.exp(margin(0.02, "ratio") + 2.5 * 0.005))
    assert verdict(borderline, "higher").verdict == "improved"
    crowd = verdicts([borderline, *[estimate(1.0)] * 59], ["higher"] * 60)
    assert (crowd[0].verdict, crowd[0].reason) == ("inconclusive", "one of too many comparisons")
    assert crowd[0].blocks_needed is not None


def test_rows_in_doubt_do_not_count_as_comparisons() -> None:
    borderline = estimate(math.exp(margin(0.02, "ratio") + 2.5 * 0.005))
    rows = verdicts([borderline, *[estimate(1.0, doubt="zero variance")] * 59], ["higher"] * 60)
    assert rows[0].verdict == "improved"
    assert {row.verdict for row in rows[1:]} == {"inconclusive"}


def test_a_small_change_over_four_blocks_is_not_sure_among_many_however_small_its_spread() -> None:
    lucky = estimate(1.04, 1e-6, blocks=4)
    assert verdict(lucky, "higher").verdict == "improved"
    assert verdicts([lucky, *[estimate(1.0)] * 59], ["higher"] * 60)[0].verdict == "inconclusive"


def test_a_large_change_over_four_blocks_is_sure_among_many() -> None:
    assert (
        verdicts([estimate(1.5, blocks=4), *[estimate(1.0)] * 59], ["higher"] * 60)[0].verdict == "improved"
    )


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=30))
def test_discoveries_are_those_of_benjamini_and_hochberg(p: list[float]) -> None:
    ranked = sorted(p)
    passed = [k for k in range(1, len(p) + 1) if ranked[k - 1] <= 0.05 * k / len(p)]
    expected = sum(value <= ranked[max(passed) - 1] for value in p) if passed else 0
    found, level = discoveries(np.array(p), 0.05)
    assert int(found.sum()) == expected
    assert float(level[0]) == pytest.approx(0.05 * min(expected + 1, len(p)) / len(p))


def test_one_column_of_a_matrix_of_studies_is_judged_like_a_lone_study() -> None:
    p = np.array([[0.001, 0.04, 0.9], [0.04, 0.04, 0.04], [math.nan, 0.04, 0.9]])
    found, _ = discoveries(p, 0.05)
    assert found.tolist() == [[True, False, False], [True, True, True], [False, False, False]]


def test_an_empty_matrix_has_no_verdicts() -> None:
    assert verdicts([], []) == ()


@pytest.mark.parametrize(("threshold", "fdr"), [(-0.1, 0.05), (math.nan, 0.05), (0.02, 0.0), (0.02, 1.0)])
def test_impossible_thresholds_and_rates_are_refused(threshold: float, fdr: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        verdict(estimate(1.0), "higher", threshold=threshold, fdr=fdr)


def test_each_row_needs_its_direction() -> None:
    with pytest.raises(ValueError, match="1 estimates, 0 directions"):
        verdicts([estimate(1.0)], [])


# --- blocks needed --------------------------------------------------------------------------------------


def test_nobody_can_say_how_many_blocks_where_the_estimate_is_at_the_threshold() -> None:
    assert verdict(estimate(1.021, 0.01), "higher").blocks_needed is None


def test_a_smaller_distance_to_the_threshold_needs_more_blocks() -> None:
    near, far = (blocks_needed(estimate(ratio, 0.01, 5), 0.02, 0.05) for ratio in (1.035, 1.045))
    assert near is not None
    assert far is not None
    assert near > far >= 1


def test_a_stricter_level_needs_more_blocks() -> None:
    lone, crowd = (blocks_needed(estimate(1.045, 0.01, 5), 0.02, level) for level in (0.05, 0.001))
    assert lone is not None
    assert crowd is not None
    assert crowd > lone


def test_a_row_with_one_block_cannot_say_and_one_with_two_can() -> None:
    assert verdict(mean_estimate([0.1]), "higher").blocks_needed is None
    assert verdict(mean_estimate([0.1, 0.11]), "higher").blocks_needed is not None


def test_more_blocks_than_anyone_would_measure_are_not_promised() -> None:
    assert blocks_needed(estimate(1.2, 0.15, 1000), 0.02, 1e-12) is None
