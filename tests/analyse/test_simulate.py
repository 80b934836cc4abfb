from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from gilbench.analyse.stats.simulate import (
    Measure,
    Noise,
    Setting,
    coverage,
    false_positive_rate,
    power,
    process_effects,
    rate,
    simulate,
)

NOISES: tuple[Noise, ...] = get_args(Noise)
MEASURES: tuple[Measure, ...] = get_args(Measure)
CANCELS = [noise for noise in NOISES if noise != "autocorrelated"]


@pytest.mark.parametrize("noise", CANCELS)
@pytest.mark.parametrize("blocks", [4, 10])
def test_the_interval_covers_what_it_says(noise: Noise, blocks: int) -> None:
    rates = simulate(Setting(noise=noise, blocks=blocks, threshold=0.0, studies=4000, seed=1))
    assert 0.93 <= rates.coverage.value <= 0.975
    assert rates.false_positive_rate.hi <= 0.06


@pytest.mark.parametrize("measure", [measure for measure in MEASURES if measure != "mean"])
def test_percentiles_and_fractions_are_covered_too(measure: Measure) -> None:
    rates = simulate(Setting(noise="between-process", blocks=5, measure=measure, threshold=0.0, seed=1))
    assert 0.93 <= rates.coverage.value <= 0.975
    assert rates.false_positive_rate.hi <= 0.06


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("rows", [1, 60])
def test_a_practical_threshold_keeps_false_verdicts_rare_under_every_noise(noise: Noise, rows: int) -> None:
    setting = Setting(noise=noise, blocks=4, rows=rows, studies=4000 // rows + 300, seed=2)
    assert false_positive_rate(setting).hi <= 0.06


@pytest.mark.parametrize("noise", ["independent", "bimodal"])
def test_a_matrix_without_any_threshold_keeps_its_false_discovery_rate(noise: Noise) -> None:
    setting = Setting(
        noise=noise, blocks=5, rows=60, changed=20, effect=0.1, threshold=0.0, studies=400, seed=3
    )
    assert false_positive_rate(setting).hi <= 0.06
    assert power(setting).value > 0.9


def test_autocorrelated_differences_are_covered_in_a_matrix_and_not_alone() -> None:
    alone = coverage(Setting(noise="autocorrelated", blocks=10, studies=2000, seed=4))
    matrix = coverage(Setting(noise="autocorrelated", blocks=10, rows=20, studies=200, seed=4))
    assert alone.hi < 0.9
    assert 0.93 <= matrix.value <= 0.97


def test_power_grows_with_blocks_and_with_the_effect() -> None:
    def found(effect: float, blocks: int) -> float:
        setting = Setting(noise="independent", blocks=blocks, changed=1, effect=effect, studies=1000, seed=5)
        return power(setting).value

    assert found(0.05, 4) < found(0.05, 10) < found(0.05, 20)
    assert found(0.01, 10) < 0.01 < found(0.05, 10) < found(0.10, 10)
    assert found(0.10, 10) > 0.99


def test_a_change_smaller_than_the_threshold_is_a_false_positive_when_it_is_called() -> None:
    setting = Setting(noise="independent", blocks=20, changed=1, effect=0.02, studies=4000, seed=6)
    rates = simulate(setting)
    assert rates.power is not None
    assert rates.false_positive_rate.value == rates.power.value > 0.005
    assert rates.false_positive_rate.hi <= 0.06


def test_the_same_seed_gives_the_same_rates_and_another_gives_others() -> None:
    setting = Setting(noise="heavy-tailed", blocks=5, studies=500, seed=7)
    assert simulate(setting) == simulate(setting)
    assert simulate(setting) != simulate(Setting(noise="heavy-tailed", blocks=5, studies=500, seed=8))


@pytest.mark.parametrize("noise", NOISES)
def test_process_effects_are_what_their_name_says(noise: Noise) -> None:
    ours, theirs = process_effects(noise, np.random.default_rng(9), (4000, 6))
    difference = ours - theirs
    correlation = np.corrcoef(difference[:, 0], difference[:, 1])[0, 1] if np.ptp(difference) else 0.0
    assert correlation == pytest.approx(0.5 if noise == "autocorrelated" else 0.0, abs=0.06)
    assert (np.ptp(difference) == 0) == (noise in {"independent", "drift"})
    if noise == "bimodal":
        assert set(np.unique(ours)) == {0.0, 0.02}


def test_a_rate_has_wilsons_interval() -> None:
    result = rate(5, 100)
    assert (result.value, result.trials) == (0.05, 100)
    assert [result.lo, result.hi] == pytest.approx([0.02154, 0.11175], abs=1e-5)
    assert (rate(0, 100).lo, rate(100, 100).hi) == (0.0, 1.0)


def test_power_of_rows_that_do_not_differ_is_refused() -> None:
    with pytest.raises(ValueError, match="no row has an effect"):
        power(Setting(noise="independent", blocks=5, studies=10))


@pytest.mark.parametrize(
    "facts",
    [{"blocks": 2}, {"blocks": 5, "rows": 0}, {"blocks": 5, "studies": 0}, {"blocks": 5, "changed": 2}],
)
def test_impossible_settings_are_refused(facts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="invalid setting"):
        simulate(Setting(noise="independent", **facts))  # type: ignore[arg-type]
