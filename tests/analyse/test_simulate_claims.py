"""The promises of the scorecard's intervals, in simulated claims."""

from __future__ import annotations

from itertools import takewhile
from typing import get_args

import pytest

from gilbench.analyse.selftest import simulated_checks
from gilbench.analyse.stats.simulate_claims import ClaimMeasure, ClaimNoise, ClaimSetting, simulate_claims


@pytest.mark.parametrize("noise", get_args(ClaimNoise))
@pytest.mark.parametrize("measure", get_args(ClaimMeasure))
@pytest.mark.parametrize("blocks", [3, 5])
def test_intervals_over_blocks_cover_and_claims_at_their_limit_are_seldom_called(
    measure: ClaimMeasure, noise: ClaimNoise, blocks: int
) -> None:
    rates = simulate_claims(ClaimSetting(measure=measure, noise=noise, blocks=blocks, claims=2000, seed=1))
    assert rates.coverage.value >= 0.93
    assert rates.coverage.value <= 0.97 or measure == "fraction handled"
    assert rates.false.value <= 0.05


@pytest.mark.parametrize("facts", [{"blocks": 2}, {"blocks": 3, "claims": 0}])
def test_a_claim_without_blocks_or_studies_is_refused(facts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="invalid setting"):
        simulate_claims(ClaimSetting(measure="speedup", noise="slices", **facts))


def test_the_selftest_promises_the_intervals_of_claims_and_keeps_them() -> None:
    promises = list(takewhile(lambda one: one.name.startswith("claim, "), simulated_checks(1000)))
    assert {one.figure for one in promises} == {"coverage", "false_positive_rate"}
    assert len(promises) == 2 * len(get_args(ClaimNoise)) * len(get_args(ClaimMeasure))
    assert [one for one in promises if one.holds is not True] == []
