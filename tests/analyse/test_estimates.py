from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilbench.analyse.stats.drift import drift_correlation, inflation
from gilbench.analyse.stats.estimates import (
    Estimate,
    block_log_ratio,
    contrast,
    mean_estimate,
    mean_interval,
    ratio_interval,
)
from gilbench.analyse.stats.fractions import fraction_difference, fraction_interval, fraction_ratio
from gilbench.analyse.stats.geomean import geometric_mean
from gilbench.analyse.stats.quantiles import (
    Latencies,
    quantile,
    quantile_interval,
    quantile_log_ratios,
)

log_ratios = st.lists(st.floats(-2, 2), min_size=3, max_size=20).filter(lambda values: np.ptp(values) > 1e-3)
counts = st.lists(st.integers(0, 40), min_size=3, max_size=20)


# --- means ----------------------------------------------------------------------------------------------


def test_the_interval_is_the_textbook_t_interval() -> None:
    interval = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.7764451 * math.sqrt(2.5 / 5)
    assert (interval.value, interval.blocks) == (3.0, 5)
    assert [interval.lo, interval.hi] == pytest.approx([3 - half, 3 + half])


def test_less_confidence_gives_a_narrower_interval() -> None:
    wide, narrow = mean_interval([1.0, 2.0, 4.0], 0.95), mean_interval([1.0, 2.0, 4.0], 0.9)
    assert wide.lo is not None
    assert narrow.lo is not None
    assert wide.lo < narrow.lo < narrow.value


@given(log_ratios)
def test_exchanging_the_two_interpreters_gives_the_reciprocal_interval(values: list[float]) -> None:
    forth, back = ratio_interval(values), ratio_interval([-value for value in values])
    assert forth.value * back.value == pytest.approx(1)
    assert forth.lo is not None
    assert back.hi is not None
    assert math.log(forth.lo) == pytest.approx(-math.log(back.hi), abs=1e-9)


@given(log_ratios, st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 2))
def test_one_value_that_is_not_finite_leaves_the_figure_unknown(
    values: list[float], bad: float, place: int
) -> None:
    values[place] = bad
    estimate = mean_estimate(values)
    assert estimate.doubt == "values that are not finite"
    assert math.isnan(estimate.value)
    assert (estimate.interval().lo, estimate.interval().hi) == (None, None)


@pytest.mark.parametrize("blocks", [0, 1])
def test_fewer_than_two_blocks_have_no_interval(blocks: int) -> None:
    estimate = mean_estimate([0.1] * blocks)
    assert estimate.doubt == "too few blocks"
    assert estimate.interval().lo is None
    assert estimate.value == pytest.approx(0.1 if blocks else math.nan, nan_ok=True)


def test_two_blocks_have_an_interval_and_stay_in_doubt() -> None:
    estimate = mean_estimate([0.1, 0.2])
    assert estimate.doubt == "too few blocks"
    assert estimate.interval().lo is not None


@pytest.mark.parametrize("values", [[0.0] * 5, [0.1] * 5, [0.1, 0.1 + 1e-16, 0.1 - 1e-16, 0.1, 0.1]])
def test_values_equal_but_for_rounding_have_no_interval(values: list[float]) -> None:
    estimate = mean_estimate(values)
    assert estimate.doubt == "zero variance"
    assert estimate.interval().lo is None


def test_an_interval_too_wide_for_a_ratio_is_infinite_not_an_error() -> None:
    interval = ratio_interval([-900.0, 0.0, 900.0])
    assert (interval.value, interval.lo, interval.hi) == (1.0, 0.0, math.inf)


# --- blocks, families, two studies ----------------------------------------------------------------------


def test_a_block_ratio_cancels_drift_within_the_block_and_bears_one_spike() -> None:
    reference = np.array([1.0, 2.0, 4.0, 8.0])
    candidate = reference * 1.1
    candidate[2] *= 0.5
    assert float(block_log_ratio(candidate, reference)) == pytest.approx(math.log(1.1))


@pytest.mark.parametrize("slices", [[], [1.0, 0.0], [1.0, -1.0], [1.0, math.inf], [1.0, math.nan]])
def test_a_block_without_positive_slices_has_no_ratio(slices: list[float]) -> None:
    assert math.isnan(float(block_log_ratio(slices, [1.0] * len(slices))))


def test_the_geometric_mean_is_taken_inside_blocks_so_shared_noise_is_counted_once() -> None:
    shared = np.array([0.1, -0.1, 0.05, -0.05])
    assert geometric_mean([shared.tolist()] * 50).error == pytest.approx(mean_estimate(shared.tolist()).error)


def test_the_geometric_mean_of_double_and_half_is_one() -> None:
    family = [[math.log(2), math.log(2.1), math.log(1.9)], [-math.log(2), -math.log(2), -math.log(2.1)]]
    assert geometric_mean(family).interval().value == pytest.approx((1.9) ** (1 / 6) / 2 ** (1 / 6))


def test_a_family_with_a_missing_block_or_no_workload_is_in_doubt() -> None:
    assert geometric_mean([[0.1, 0.2, 0.3], [0.1, 0.2]]).doubt == "unequal blocks"
    assert geometric_mean([]).doubt == "too few blocks"


def test_two_studies_are_contrasted_by_welch() -> None:
    a, b = [0.1, 0.12, 0.14, 0.1], [0.0, 0.1, -0.1, 0.05]
    result = contrast(mean_estimate(a), mean_estimate(b))
    va, vb = np.var(a, ddof=1) / 4, np.var(b, ddof=1) / 4
    assert result.value == pytest.approx(np.mean(a) - np.mean(b))
    assert result.error == pytest.approx(math.sqrt(va + vb))
    assert result.freedom == pytest.approx((va + vb) ** 2 / (va**2 / 3 + vb**2 / 3))
    assert result.doubt is None


@pytest.mark.parametrize(
    ("baseline", "doubt"),
    [
        ([0.0, 0.1, 0.2], "unequal blocks"),
        ([0.1], "too few blocks"),
        ([0.1] * 4, "zero variance"),
        ([0.1, math.inf, 0.1, 0.2], "values that are not finite"),
    ],
)
def test_a_contrast_inherits_every_doubt(baseline: list[float], doubt: str) -> None:
    assert contrast(mean_estimate([0.1, 0.2, 0.3, 0.2]), mean_estimate(baseline)).doubt == doubt


def test_two_scales_cannot_be_contrasted() -> None:
    with pytest.raises(ValueError, match="different scales: ratio and difference"):
        contrast(mean_estimate([0.1, 0.2, 0.3]), mean_estimate([0.1, 0.2, 0.3], scale="difference"))


# --- drift ----------------------------------------------------------------------------------------------


def test_without_correlation_nothing_is_inflated() -> None:
    factor, freedom = inflation(0.0, 7)
    assert [float(factor), float(freedom)] == pytest.approx([1, 6])


def test_the_inflation_makes_the_squared_error_unbiased() -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((20_000, 10))
    for block in range(1, 10):
        noise[:, block] = 0.5 * noise[:, block - 1] + math.sqrt(0.75) * noise[:, block]
    claimed = (noise.var(axis=1, ddof=1) / 10 * inflation(0.5, 10).factor ** 2).mean()
    assert claimed == pytest.approx(noise.mean(axis=1).var(), rel=0.05)


@pytest.mark.parametrize("truth", [0.0, 0.5])
def test_a_matrix_of_series_tells_the_correlation_that_they_share(truth: float) -> None:
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((60, 10))
    for block in range(1, 10):
        noise[:, block] = truth * noise[:, block - 1] + math.sqrt(1 - truth**2) * noise[:, block]
    scales = 10.0 ** rng.uniform(-4, 0, (60, 1))
    assert float(drift_correlation(list(noise * scales))) == pytest.approx(truth, abs=0.1)


def test_series_that_cannot_tell_leave_the_prior() -> None:
    silent = [np.array(values) for values in ([], [1.0], [1.0, 2.0], [0.1] * 5, [0.1, math.nan, 0.2])]
    assert float(drift_correlation(silent)) == pytest.approx(float(drift_correlation([])))


def test_a_correlation_widens_the_interval() -> None:
    plain, wide = mean_estimate([0.1, 0.2, 0.15, 0.3]), mean_estimate([0.1, 0.2, 0.15, 0.3], correlation=0.5)
    assert wide.error > 1.5 * plain.error
    assert wide.freedom < plain.freedom


# --- fractions ------------------------------------------------------------------------------------------


@given(counts)
def test_a_fraction_lies_within_its_interval_and_the_interval_has_a_width(hits: list[int]) -> None:
    interval = fraction_interval(hits, [40] * len(hits))
    assert interval.lo is not None
    assert interval.hi is not None
    assert 0 <= interval.lo <= interval.value <= interval.hi <= 1
    assert interval.hi - interval.lo > 1e-3


@given(counts, counts)
def test_a_difference_of_fractions_has_an_error_even_where_blocks_agree(
    ours: list[int], theirs: list[int]
) -> None:
    blocks = min(len(ours), len(theirs))
    candidate, reference = ((hits[:blocks], [40] * blocks) for hits in (ours, theirs))
    forth, back = fraction_difference(candidate, reference), fraction_difference(reference, candidate)
    assert forth.value == pytest.approx(-back.value)
    assert forth.error == pytest.approx(back.error)
    assert forth.error > 0


def test_all_served_is_an_interval_up_to_one_and_not_only_one() -> None:
    interval = fraction_interval([40] * 5, [40] * 5)
    assert (interval.value, interval.hi) == (1.0, 1.0)
    assert interval.lo == pytest.approx(0.96, abs=0.02)


def test_blocks_that_differ_more_than_chance_widen_the_interval() -> None:
    even, uneven = fraction_interval([20, 20, 21, 19], [40] * 4), fraction_interval([0, 40, 0, 40], [40] * 4)
    assert even.value == uneven.value
    assert even.lo is not None
    assert uneven.lo is not None
    assert uneven.lo < even.lo


def test_blocks_weigh_by_their_trials() -> None:
    assert fraction_interval([1, 90], [10, 90]).value == pytest.approx(0.91)


def test_a_fraction_of_zero_still_has_a_ratio() -> None:
    estimate = fraction_ratio(([0] * 4, [40] * 4), ([30, 31, 29, 30], [40] * 4))
    assert math.isfinite(estimate.value)
    assert estimate.interval().value < 0.01


def test_paired_fractions_cancel_what_a_block_does_to_both() -> None:
    shaken = ([10, 30, 20, 36], [40] * 4)
    assert fraction_difference(shaken, shaken).error < 0.01


@pytest.mark.parametrize(
    ("hits", "trials"), [([5], [4]), ([-1], [4]), ([1, 2], [4]), ([math.nan], [4]), ([1], [math.inf])]
)
def test_impossible_counts_are_refused(hits: list[int], trials: list[int]) -> None:
    with pytest.raises(ValueError, match=r"hits|blocks"):
        fraction_interval(hits, trials)


def test_fractions_without_a_pair_for_every_block_are_in_doubt() -> None:
    arm = ([1, 2, 3], [4, 4, 4])
    assert fraction_difference(arm, ([1, 2], [4, 4])).doubt == "unequal blocks"
    assert fraction_difference(([1], [4]), ([1], [4])).doubt == "too few blocks"
    assert fraction_difference(arm, ([0, 0, 0], [0, 0, 0])).doubt == "values that are not finite"
    assert math.isnan(fraction_interval([0, 0], [0, 0]).value)


# --- percentiles ----------------------------------------------------------------------------------------


def samples(values: Sequence[Sequence[float]]) -> list[Latencies]:
    return [Latencies(block) for block in values]


@given(
    st.lists(st.floats(0, 9), max_size=30),
    st.integers(0, 30),
    st.integers(0, 40),
    st.sampled_from([0.5, 0.9, 0.99, 0.999]),
)
def test_lost_requests_count_as_if_their_infinities_were_written_out(
    seen: list[float], lost: int, count: int, share: float
) -> None:
    values, written = Latencies(seen, lost), [*seen, *[math.inf] * lost]
    assert values.total == len(written)
    first = values.first(count)
    assert [first.at(rank) for rank in range(first.total)] == written[:count]
    if written:
        assert values.quantile(share) == float(quantile(written, share))
        assert values.quantile(1.0) == max(written)
        pair = [values, Latencies([1.0])], [Latencies(written), Latencies([1.0])]
        assert quantile_interval(pair[0], share) == quantile_interval(pair[1], share)


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert float(quantile([3.0, 1.0, 2.0, 4.0], 0.5)) == 2.0
    assert float(quantile([1.0, math.inf], 0.99)) == math.inf


def test_a_percentile_has_an_interval_of_values_around_it() -> None:
    rng = np.random.default_rng(3)
    interval = quantile_interval(samples(rng.exponential(size=(10, 100)).tolist()), 0.5)
    assert interval.lo is not None
    assert interval.hi is not None
    assert interval.lo < math.log(2) < interval.hi
    assert interval.hi - interval.lo < 0.3


def test_a_hundred_values_do_not_bound_their_99th_percentile() -> None:
    rng = np.random.default_rng(4)
    assert quantile_interval(samples(rng.exponential(size=(5, 20)).tolist()), 0.99).hi == math.inf


def test_percentiles_of_nothing_of_one_block_and_of_nan_have_no_interval() -> None:
    assert math.isnan(quantile_interval([], 0.5).value)
    assert math.isnan(quantile_interval(samples([[1.0, math.nan], [1.0]]), 0.5).value)
    assert quantile_interval(samples([[1.0, 2.0, 3.0]]), 0.5).lo is None


@given(st.floats(0.5, 2.0), st.integers(0, 1000))
def test_latencies_that_grow_by_a_factor_have_that_ratio(factor: float, seed: int) -> None:
    reference = np.random.default_rng(seed).exponential(size=(5, 40))
    noisy = reference * factor * np.exp([[0.01], [-0.01], [0.02], [-0.02], [0.0]])
    estimate = mean_estimate(quantile_log_ratios(samples(noisy.tolist()), samples(reference.tolist()), 0.99))
    assert estimate.interval().value == pytest.approx(factor)


def test_more_values_on_one_side_do_not_raise_its_percentile() -> None:
    values = [[1.0, 2.0, 3.0, 100.0], [1.0, 2.0, 4.0, 100.0]]
    assert quantile_log_ratios(samples(values), samples([row[:3] for row in values]), 0.99) == [0.0, 0.0]


@pytest.mark.parametrize("candidate", [[[1.0], [1.0], []], [[1.0], [1.0], [math.inf]], [[1.0], [1.0], [0.0]]])
def test_a_percentile_that_a_block_does_not_have_is_in_doubt(candidate: list[list[float]]) -> None:
    logs = quantile_log_ratios(samples(candidate), samples([[1.0], [1.1], [1.2]]), 0.99)
    assert mean_estimate(logs).doubt == "values that are not finite"


def test_an_estimate_reports_ratios_as_ratios_and_differences_as_they_are() -> None:
    ratio = Estimate(value=0.5, error=0.1, freedom=9.0, blocks=10)
    difference = Estimate(value=0.5, error=0.1, freedom=9.0, blocks=10, scale="difference")
    assert ratio.interval().value == pytest.approx(math.exp(0.5))
    assert difference.interval().value == 0.5
