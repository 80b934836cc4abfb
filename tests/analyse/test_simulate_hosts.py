"""The interval over hosts covers a planted difference between hosts, also through the real comparison."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from host_studies import fleet_of_ratios

from gilbench.analyse.stats.hosts import mean_over_hosts
from gilbench.analyse.stats.simulate_hosts import FleetSetting, host_coverage, simulated_hosts
from gilbench.analyse.study.comparisons import compare_interpreters

NOISES = ("independent", "between-process", "drift", "autocorrelated", "bimodal", "heavy-tailed")
STUDIES = 2000


def setting(**changes: Any) -> FleetSetting:
    known = {"noise": "independent", "hosts": 5, "blocks": (4, 24), "between": 0.05, "studies": STUDIES}
    return FleetSetting(**{**known, **changes})


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("hosts", "between"), [(3, 0.01), (5, 0.05), (10, 0.0), (30, 0.1)])
def test_the_interval_over_hosts_covers_the_mean_of_all_hosts(noise: str, hosts: int, between: float) -> None:
    found = host_coverage(setting(noise=noise, hosts=hosts, between=between, seed=hosts))
    assert 0.93 <= found.over_hosts.value <= 0.97
    if between >= 0.05:
        assert found.ignoring_hosts.value < 0.7


@pytest.mark.parametrize("measure", ["median", "percentile", "fraction"])
def test_percentiles_and_fractions_are_covered_too(measure: str) -> None:
    found = host_coverage(setting(measure=measure, seed=1))
    assert 0.93 <= found.over_hosts.value <= 0.97


def test_three_hosts_of_two_kinds_are_of_one_kind_by_chance() -> None:
    found = host_coverage(setting(kinds="two, mixed", hosts=3, between=0.1))
    assert found.over_hosts.hi < 0.8


def test_the_real_comparison_covers_it_with_the_same_intervals() -> None:
    simulated = setting(hosts=3, blocks=(4, 8), between=0.05, studies=300, seed=3)
    hosts = simulated_hosts(simulated)
    covered = 0
    for study in range(simulated.studies):
        (row,) = compare_interpreters(fleet_of_ratios([host.blocks[study].tolist() for host in hosts]))
        mean, error, _ = mean_over_hosts(np.array([host.value[study] for host in hosts]))
        assert row.ratio == pytest.approx(math.exp(mean))
        assert row.lo is not None
        assert row.hi is not None
        assert math.log(row.hi / row.lo) / 2 == pytest.approx(4.302653 * error)
        covered += row.lo <= 1 + simulated.effect <= row.hi
    assert 0.91 <= covered / simulated.studies <= 0.98
